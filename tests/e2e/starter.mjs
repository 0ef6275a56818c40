// The model that comes with hearth: there from the first start, gone when removed, back when pulled, and the same text in
// every dialect.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, eq, ok } from './harness.mjs'

const own = { HEARTH_NO_STARTER: '0' }
const names = async (d) => (await d.call('GET', '/api/tags')).json.models.map((model) => model.name)

// The objects of a stream of server-sent events.
const framesOf = (d) => async (route, body) => (await (await d.fetch('POST', route, { ...body, stream: true })).text()).split('\n\n').map((frame) => frame.match(/^data: (\{.*)$/m)?.[1]).filter(Boolean).map((data) => JSON.parse(data))

function hearth(d, args, input = '') {
  return new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearth'), args, { env: { PATH: process.env.PATH, HOME: d.folder, HEARTH_HOST: `127.0.0.1:${d.port}` } })
    let out = '', err = ''
    child.stdout.on('data', (text) => { out += text })
    child.stderr.on('data', (text) => { err += text })
    child.on('exit', (code) => done({ code, out, err }))
    child.stdin.end(input)
  })
}

await check('starter: in a new store, away when removed, back when pulled', async () => {
  const models = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-starter-'))
  const start = () => Daemon.start({ ...own, HEARTH_MODELS: models, HEARTH_OFFLINE: '1' })
  let d = await start()
  eq(await names(d), ['starter:latest'])
  const shown = await d.post('/api/show', { model: 'starter' })
  eq([shown.capabilities, /Apache-2.0/.test(shown.license), shown.parameters.trim().split(/\s+/)], [['completion', 'tools'], true, ['temperature', '0']])
  eq((await d.call('DELETE', '/api/delete', { model: 'starter' })).status, 200)
  await d.stop()
  d = await start()
  eq(await names(d), [], 'what was removed stays away')
  eq((await d.post('/api/pull', { model: 'starter', stream: false })).status, 'success')
  eq(await names(d), ['starter:latest'])
  const note = path.join(models, 'starter-offered')
  const olderNote = () => fs.writeFileSync(note, fs.readFileSync(note, 'utf8').replace(/^sha256:.*/, 'sha256:' + '0'.repeat(64)))
  await d.stop()
  const given = fs.readFileSync(note, 'utf8')
  olderNote()
  d = await start()
  eq(fs.readFileSync(note, 'utf8'), given, 'an older one that nobody touched is replaced')
  await d.post('/api/create', { model: 'starter', from: 'starter', system: 'be short', stream: false })
  await d.stop()
  olderNote()
  d = await start()
  eq((await d.post('/api/show', { model: 'starter' })).system, 'be short', 'what somebody made of it stays')
  await d.stop()
  fs.rmSync(models, { recursive: true })
})
await check('starter: the same greedy text in all dialects, streamed and not', async () => {
  const d = await Daemon.start(own)
  const model = 'starter', messages = [{ role: 'user', content: 'How do I pull a model?' }]
  const text = (await d.post('/api/chat', { model, messages, stream: false, options: { temperature: 0 } })).message.content
  ok(/hearth pull/.test(text), text)
  let native = ''
  for await (const line of d.lines('/api/chat', { model, messages, options: { temperature: 0 } })) native += line.message.content
  const openai = { model, messages, temperature: 0 }
  const anthropic = { ...openai, max_tokens: 300 }
  const responses = { model, input: messages[0].content, temperature: 0 }
  const frames = framesOf(d)
  const all = {
    native,
    openai: (await d.post('/v1/chat/completions', openai)).choices[0].message.content,
    openaiStream: (await frames('/v1/chat/completions', openai)).map((frame) => frame.choices[0]?.delta.content ?? '').join(''),
    anthropic: (await d.post('/v1/messages', anthropic)).content[0].text,
    anthropicStream: (await frames('/v1/messages', anthropic)).map((frame) => frame.delta?.text ?? '').join(''),
    responses: (await d.post('/v1/responses', responses)).output[0].content[0].text,
    responsesStream: (await frames('/v1/responses', responses)).map((frame) => frame.type === 'response.output_text.delta' ? frame.delta : '').join(''),
  }
  for (const [dialect, found] of Object.entries(all)) eq(found, text, dialect)
  await d.stop()
})
await check('starter: the same call and the same JSON in all dialects, streamed and not', async () => {
  const d = await Daemon.start(own)
  const frames = framesOf(d)
  const model = 'starter', parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const tool = { name: 'get_weather', description: 'Current weather of a city' }
  const tools = [{ type: 'function', function: { ...tool, parameters } }]
  const asked = [{ role: 'user', content: 'What is the weather in Oslo?' }]
  const called = (name, input) => [name, typeof input === 'string' ? JSON.parse(input) : input]
  const nativeCalls = (messages) => messages.flatMap((message) => message.tool_calls ?? []).map((call) => called(call.function.name, call.function.arguments))
  const [chat, messages, responses] = [{ model, messages: asked, tools, temperature: 0 }, { model, messages: asked, max_tokens: 200, tools: [{ ...tool, input_schema: parameters }] }, { model, input: asked[0].content, tools: [{ type: 'function', ...tool, parameters }] }]
  const lines = []
  for await (const line of d.lines('/api/chat', { model, messages: asked, tools })) lines.push(line.message)
  const deltas = (await frames('/v1/chat/completions', chat)).flatMap((frame) => frame.choices[0]?.delta.tool_calls ?? [])
  const blocks = await frames('/v1/messages', messages)
  const calls = {
    native: nativeCalls([(await d.post('/api/chat', { model, messages: asked, tools, stream: false })).message]),
    nativeStream: nativeCalls(lines),
    openai: (await d.post('/v1/chat/completions', chat)).choices[0].message.tool_calls.map((call) => called(call.function.name, call.function.arguments)),
    openaiStream: [called(deltas[0].function.name, deltas.map((delta) => delta.function.arguments ?? '').join(''))],
    anthropic: (await d.post('/v1/messages', messages)).content.filter((block) => block.type === 'tool_use').map((block) => called(block.name, block.input)),
    anthropicStream: [called(blocks.find((frame) => frame.content_block?.type === 'tool_use').content_block.name, blocks.map((frame) => frame.delta?.partial_json ?? '').join(''))],
    responses: (await d.post('/v1/responses', responses)).output.map((item) => called(item.name, item.arguments)),
  }
  for (const [dialect, found] of Object.entries(calls)) eq(found, [['get_weather', { city: 'Oslo' }]], dialect)

  const schema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } }, required: ['name', 'age'], additionalProperties: false }
  const sentence = [{ role: 'user', content: 'Give name and age as JSON: Lena is 34 years old.' }], named = { name: 'person', schema }
  const format = { type: 'json_schema', ...named }
  const texts = {
    native: (await d.post('/api/chat', { model, messages: sentence, format: schema, stream: false })).message.content,
    openai: (await d.post('/v1/chat/completions', { model, messages: sentence, temperature: 0, response_format: { type: 'json_schema', json_schema: named } })).choices[0].message.content,
    openaiStream: (await frames('/v1/chat/completions', { model, messages: sentence, response_format: { type: 'json_schema', json_schema: named } })).map((frame) => frame.choices[0]?.delta.content ?? '').join(''),
    anthropic: (await d.post('/v1/messages', { model, messages: sentence, max_tokens: 200, output_config: { format: { type: 'json_schema', schema } } })).content[0].text,
    responses: (await d.post('/v1/responses', { model, input: sentence[0].content, text: { format } })).output[0].content[0].text,
  }
  for (const [dialect, found] of Object.entries(texts)) eq([found, JSON.parse(found)], [texts.native, { name: 'Lena', age: 34 }], dialect)
  await d.stop()
})
await check('starter: run without a name, and the tour', async () => {
  const d = await Daemon.start(own)
  const answer = await hearth(d, ['run'], 'What is hearth?')
  ok(answer.code === 0 && answer.out.startsWith('hearth runs large language models') && /No model named: this is starter/.test(answer.err), answer.out + answer.err)
  const tour = await hearth(d, ['tour'])
  eq(tour.code, 0, tour.err)
  for (const part of ['1. Ask', '2. A story', '3. JSON by a schema', '4. A tool', 'this program runs it: 42', '17 + 25 = 42']) ok(tour.out.includes(part), `${part}: ${tour.out}`)
  const curls = tour.out.match(/^curl http.*$/gm)
  eq(curls.length, 4)
  for (const line of curls) {
    const [, url, body] = line.match(/^curl (\S+) -d '(.*)'$/)
    eq((await fetch(url, { method: 'POST', body })).status, 200, line)
  }
  const person = JSON.parse(tour.out.match(/^\{"name".*\}$/m)[0])
  eq(person, { name: 'Anna', age: 31, city: 'Oslo' })
  await d.stop()
})
