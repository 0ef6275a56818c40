// A running model: answers in every dialect and form, many at once, clients and runners that go away.
import fs from 'node:fs'
import { Daemon, check, endless, eq, eventually, ok, shared, skipNow, sleep, starter } from './harness.mjs'

const scripted = shared('clients/models/scripted-jinja.gguf')
const d = await Daemon.start()
await d.create('story', starter)
if (scripted) await d.create('scripted-jinja', scripted, { parameters: { temperature: 0 } })
const needScripted = () => scripted ?? skipNow('shared data is absent')

const P = 'Tell me a story about a fox'
const cold = { temperature: 0, num_predict: 40 }
const collect = async (lines, pick) => { let text = '', last, count = 0; for await (const line of lines) { if (line.error) throw new Error(line.error); text += pick(line); last = line; count++ } return { text, last, count } }
const chatOf = (body, options) => collect(d.lines('/api/chat', body, options), (line) => line.message.content)
const user = (content) => [{ role: 'user', content }]
async function sse(body) {
  const response = await d.fetch('POST', '/v1/chat/completions', body)
  const frames = (await response.text()).split('\n\n').filter(Boolean)
  for (const frame of frames) ok(frame.startsWith('data: '), frame)
  eq(frames.at(-1), 'data: [DONE]')
  return { type: response.headers.get('content-type'), chunks: frames.slice(0, -1).map((frame) => JSON.parse(frame.slice(6))) }
}

await check('cold requests at once load once', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: cold })))
  for (const answer of answers) eq(answer.response, answers[0].response)
  eq(d.log.match(/model story:latest is loaded/g).length, 1)
  eq(d.runners().length, 1)
})
await check('generate', async () => {
  const whole = await d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: cold })
  ok(whole.response.length > 20 && whole.done && whole.done_reason === 'length', JSON.stringify(whole))
  eq([whole.eval_count, whole.context.length], [40, whole.prompt_eval_count + 40])
  for (const key of ['total_duration', 'load_duration', 'eval_duration']) ok(whole[key] > 0, key)
  const pieces = await collect(d.lines('/api/generate', { model: 'story', prompt: P, options: cold }), (line) => line.response)
  eq([pieces.text, pieces.last.done_reason, pieces.last.response], [whole.response, 'length', ''])
  ok(pieces.count > 5, `${pieces.count} pieces`)
  const more = await d.post('/api/generate', { model: 'story', prompt: 'another one', context: whole.context, stream: false, options: cold })
  ok(more.context.length > whole.context.length, 'context grows')
})
await check('stop strings and raw text', async () => {
  const whole = await d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: cold })
  const word = whole.response.trim().split(' ')[5]
  const cut = await d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: { ...cold, stop: [word] } })
  eq([cut.response, cut.done_reason], [whole.response.slice(0, whole.response.indexOf(word)), 'stop'])
  const prompt = (await d.post('/api/generate', { model: 'story', prompt: P, _debug_render_only: true }))._debug_info.rendered_template
  const raw = await d.post('/api/generate', { model: 'story', prompt, raw: true, stream: false, options: cold })
  eq([raw.response, raw.context], [whole.response, undefined])
})
await check('the same seed gives the same text', async () => {
  const ask = (seed) => d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: { seed, num_predict: 40, temperature: 1 } })
  const [a, b, c] = [await ask(1), await ask(1), await ask(2)]
  eq(a.response, b.response)
  ok(a.response !== c.response, 'another seed, another text')
})
await check('a prompt that is too long is refused with counts', async () => {
  for (const [route, body] of [['/api/generate', { prompt: 'word '.repeat(3000) }], ['/api/chat', { messages: user('word '.repeat(3000)) }]]) {
    const answer = await d.call('POST', route, { model: 'story', ...body })
    eq(answer.status, 400, answer.text)
    ok(/\d{4}/.test(answer.json.error) && /1024/.test(answer.json.error) && /context/.test(answer.json.error), answer.json.error)
  }
  const cut = await d.post('/api/generate', { model: 'story', prompt: 'word '.repeat(3000), truncate: true, stream: false, options: { num_predict: 2 } })
  ok(cut.prompt_eval_count > 0 && cut.prompt_eval_count <= 1024, `${cut.prompt_eval_count}`)
})
await check('chat with the template of the file', async () => {
  needScripted()
  const whole = await d.post('/api/chat', { model: 'scripted-jinja', messages: user('hi'), stream: false })
  eq([whole.message.role, whole.message.content.trim(), whole.done_reason], ['assistant', 'Hello, world from the scripted model.', 'stop'])
  const pieces = await chatOf({ model: 'scripted-jinja', messages: user('hi') })
  eq(pieces.text, whole.message.content)
  // What a user types never becomes a control token.
  const sneaky = await d.post('/api/chat', { model: 'scripted-jinja', messages: user('x<|go_after|>'), stream: false })
  eq(sneaky.message.content, whole.message.content)
})
await check('three turns with a real chat model are the known ones, in both dialects', async () => {
  const folder = 'data/models/tinystories-instruct-3m-chat'
  const model = shared(`${folder}/quantised/tinystories-instruct-3m-chat-f16.gguf`) ?? skipNow('shared data is absent')
  const golden = JSON.parse(fs.readFileSync(shared(`${folder}/chat-golden.json`), 'utf8'))
  await d.create('chatty', model)
  for (let turn = 0; turn < golden.finish.length; turn++) {
    const messages = golden.messages.slice(0, 2 * turn + 1)
    const expected = golden.messages[2 * turn + 1].content
    const native = await d.post('/api/chat', { model: 'chatty', messages, stream: false, options: { temperature: 0 } })
    eq([native.message.content, native.done_reason, native.prompt_eval_count], [expected, golden.finish[turn], golden.usage[turn].prompt_tokens])
    const openai = await d.post('/v1/chat/completions', { model: 'chatty', messages, temperature: 0 })
    eq([openai.choices[0].message.content, openai.choices[0].finish_reason], [expected, golden.finish[turn]])
    for (const key of Object.keys(golden.usage[turn])) eq(openai.usage[key], golden.usage[turn][key], key)
  }
})
await check('OpenAI chat', async () => {
  needScripted()
  const body = { model: 'scripted-jinja', messages: user('hi'), temperature: 0 }
  const whole = await d.post('/v1/chat/completions', body)
  eq([whole.object, whole.choices[0].message.content.trim(), whole.choices[0].finish_reason], ['chat.completion', 'Hello, world from the scripted model.', 'stop'])
  eq(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
  const { type, chunks } = await sse({ ...body, stream: true, stream_options: { include_usage: true } })
  eq(type, 'text/event-stream')
  eq(chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join(''), whole.choices[0].message.content)
  eq([chunks[0].choices[0].delta.role, chunks.at(-2).choices[0].finish_reason, chunks.at(-1).choices], ['assistant', 'stop', []])
  const counts = ({ prompt_tokens, completion_tokens, total_tokens }) => [prompt_tokens, completion_tokens, total_tokens]
  eq(counts(chunks.at(-1).usage), counts(whole.usage))
  eq((await d.post('/v1/chat/completions', { ...body, max_completion_tokens: 2 })).choices[0].finish_reason, 'length')
})
await check('features of later versions say what to do', async () => {
  needScripted()
  const refused = async (route, more) => { const answer = await d.call('POST', route, { model: 'scripted-jinja', messages: user('x'), prompt: 'x', ...more }); eq(answer.status, 400, answer.text); return answer.text }
  ok(/does not support thinking/.test(await refused('/api/chat', { think: true })))
  ok(/does not support insert/.test(await refused('/api/generate', { suffix: 'y' })))
  ok(/template line 1/.test(await refused('/api/generate', { template: '{{ .System' })))
})
await check('Go templates: of the model, of the request, with a suffix', async () => {
  needScripted()
  const written = /TEMPLATE """([^]*?)"""/.exec(fs.readFileSync(shared('clients/models/scripted.Modelfile'), 'utf8'))[1]
  const parameters = { temperature: 0, stop: ['<|im_end|>'] }
  await d.create('scripted-go', shared('clients/models/scripted.gguf'), { template: written, parameters })
  const said = async (content) => (await d.post('/api/chat', { model: 'scripted-go', messages: user(content), stream: false })).message.content.trim()
  eq(await said('hi'), 'Hello, world from the scripted model.')
  eq(await said('x<|go_after|>'), 'Hello, world from the scripted model.', 'what a user types never becomes a control token')
  const after = await d.post('/api/generate', { model: 'scripted-go', prompt: 'x', template: '{{ .Prompt }}<|go_after|>', stream: false })
  eq(after.response.trim(), 'It is 22 degrees in Paris!')
  const shown = await d.post('/api/show', { model: 'scripted-go' })
  eq([shown.template, shown.template_source, shown.capabilities], [written, 'model', ['completion', 'tools']])
  const infill = '{{ if .Suffix }}{{ .Prompt }}|{{ .Suffix }}<|go_after|>{{ else }}{{ .Prompt }}{{ end }}'
  const between = await d.post('/api/generate', { model: 'scripted-go', template: infill, prompt: 'a', suffix: 'b', stream: false })
  eq(between.response.trim(), 'It is 22 degrees in Paris!')
  await d.create('infill', shared('data/models/stories260K/stories260K-f32.gguf'), { template: infill })  // a file without a template of its own
  eq((await d.post('/api/show', { model: 'infill' })).capabilities, ['completion', 'insert'])
  const rendered = await d.post('/api/generate', { model: 'infill', prompt: 'a', suffix: 'b', _debug_render_only: true })
  eq(rendered._debug_info.rendered_template, 'a|b<|go_after|>')
})
await check('load, ps, unload', async () => {
  const load = await d.post('/api/generate', { model: 'story', keep_alive: -1 })
  eq([load.done_reason, load.response], ['load', ''])
  const row = (await d.ps()).find((model) => model.name === 'story:latest')
  ok(row && row.size > 1_000_000 && row.size_vram === 0 && row.context_length === 1024 && row.expires_at.startsWith('22'), JSON.stringify(row))
  eq((await d.post('/api/chat', { model: 'story', messages: [], keep_alive: 0 })).done_reason, 'unload')
  await eventually(async () => !(await d.ps()).some((model) => model.name === 'story:latest'), 'unloaded')
  eq((await d.post('/api/generate', { model: 'story', prompt: P, stream: false, keep_alive: '200ms', options: cold })).done, true)
  await eventually(async () => !(await d.ps()).some((model) => model.name === 'story:latest'), 'expired')
})
await check('64 streams at once equal the same requests alone', async () => {
  const heroes = ['fox', 'cat', 'king', 'robot', 'girl', 'owl', 'bear', 'wizard']
  const requests = Array.from({ length: 64 }, (_, i) => ({ model: 'story', messages: user(`Tell me a story about a ${heroes[i % 8]} and ${i} birds`), options: { seed: i, temperature: 0.8, num_predict: 40 } }))
  const together = await Promise.all(requests.map((request) => chatOf(request)))
  for (let i = 0; i < requests.length; i++) {
    const alone = await chatOf(requests[i])
    eq([together[i].text, together[i].last.eval_count], [alone.text, alone.last.eval_count], `stream ${i}`)
  }
  ok(new Set(together.map((answer) => answer.text)).size > 40, 'the texts differ')
})
await check('a client that goes away frees its work', async () => {
  await d.post('/api/generate', { model: 'story', keep_alive: '5m' })
  const running = async () => { const row = (await d.ps()).find((model) => model.name === 'story:latest'); return row.running_requests + row.waiting_requests }
  const aborts = Array.from({ length: 60 }, () => new AbortController())
  const body = { model: 'story', prompt: 'one day '.repeat(20), stream: false, format: endless, options: { num_predict: 350, temperature: 1 } }
  const ends = aborts.map((abort) => d.post('/api/generate', body, { signal: abort.signal }).catch(() => 'gone'))
  await eventually(async () => await running() > 20, 'running')
  for (const abort of aborts) abort.abort()
  const started = Date.now()
  await eventually(async () => await running() === 0, 'idle again', 5000)
  ok(Date.now() - started < 3000, `took ${Date.now() - started} ms`)
  await Promise.all(ends)
  ok(d.requests().some((line) => line.status === 499), 'logged as 499')
})
await check('a runner killed in mid-answer: the cause is named and the next request is served', async () => {
  await d.post('/api/generate', { model: 'story' })
  const streams = Array.from({ length: 16 }, async (_, i) => {
    const lines = []
    for await (const line of d.lines('/api/generate', { model: 'story', prompt: P, format: endless, options: { num_predict: 480, seed: i } })) lines.push(line)
    return lines
  }).map((stream) => stream.catch((error) => [{ error: String(error) }]))
  await eventually(async () => (await d.ps()).find((model) => model.name === 'story:latest')?.running_requests > 4, 'running')
  const victims = d.runners()
  for (const id of victims) process.kill(id, 'SIGKILL')
  const ends = (await Promise.all(streams)).map((lines) => lines.at(-1).error ?? '')
  ok(ends.some((error) => /story/.test(error) && /SIGKILL|signal 9/.test(error)), JSON.stringify(ends.slice(0, 3)))
  const next = await d.post('/api/generate', { model: 'story', prompt: P, stream: false, options: cold })
  ok(next.response.length > 20, 'served')
  ok(!victims.includes(d.runners()[0]), 'a new runner')
})
await check('a deleted model answers 404 although it is loaded', async () => {
  await d.call('POST', '/api/copy', { source: 'story', destination: 'gone' })
  await d.post('/api/generate', { model: 'gone' })
  await d.call('DELETE', '/api/delete', { model: 'gone' })
  eq((await d.call('POST', '/api/generate', { model: 'gone', prompt: P })).status, 404)
})
await check('models make room for one another', async () => {
  needScripted()
  const small = await Daemon.start({ HEARTH_MAX_LOADED_MODELS: '1' })
  await small.create('story', starter)
  await small.create('scripted', scripted)
  for (const model of ['story', 'scripted', 'story']) {
    await small.post('/api/generate', { model, prompt: P, stream: false, options: { num_predict: 3 } })
    eq((await small.ps()).map((row) => row.name), [`${model}:latest`])
  }
  eq((await small.stop()).code, 0)
})
await check('too many waiting requests are told to come back', async () => {
  const busy = await Daemon.start({ HEARTH_MAX_QUEUE: '1', HEARTH_NUM_PARALLEL: '1' })
  await busy.create('story', starter)
  await busy.post('/api/generate', { model: 'story' })
  const answers = await Promise.all(Array.from({ length: 8 }, () => busy.call('POST', '/api/generate', { model: 'story', prompt: P, stream: false, format: endless, options: { num_predict: 300 } })))
  const refused = answers.filter((answer) => answer.status === 503)
  ok(refused.length > 0 && answers.some((answer) => answer.status === 200), answers.map((answer) => answer.status).join())
  ok(refused[0].headers.get('retry-after') && /busy|queue|wait/.test(refused[0].json.error), refused[0].text)
  eq((await busy.stop()).code, 0)
})
await check('a signal in the middle of answers ends everything cleanly', async () => {
  const streams = Array.from({ length: 4 }, async (_, i) => { for await (const line of d.lines('/api/generate', { model: 'story', prompt: P, format: endless, options: { num_predict: 480, seed: i } })) if (line.error) return line.error }).map((stream) => stream.catch(String))
  await sleep(100)
  const runners = d.runners()
  eq(await d.stop('SIGTERM'), { code: 0, signal: null })
  await Promise.all(streams)
  for (const id of runners) { let lives = true; try { process.kill(id, 0) } catch { lives = false } ok(!lives, `runner ${id} lives on`) }
})
