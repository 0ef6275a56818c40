// OpenAI's Responses, Anthropic's messages, several answers, reranking, counts, and what fields a request may have:
// what the official clients do not look at.
import fs from 'node:fs'
import { Daemon, check, eq, eventually, ok, shared, skipNow, sleep, starter } from './harness.mjs'

const scripted = shared('clients/models/scripted.gguf')
const rerankers = ['bert-rank', 'qwen3-rerank'].map((name) => [name, shared(`oracle/archs/${name}.gguf`)])
const HELLO = 'Hello, world from the scripted model.'

let d
async function daemon() {
  if (!scripted || !rerankers.every(([, file]) => file)) skipNow('shared data is absent')
  if (d) return d
  d = await Daemon.start({ HEARTH_HEARTBEAT: '300ms' })
  for (const name of ['scripted', 'scripted-think']) {
    await d.create(name, shared(`clients/models/${name}.gguf`), {
      template: fs.readFileSync(shared(`clients/models/${name}.Modelfile`), 'utf8').match(/TEMPLATE """([^]*?)"""/)[1],
      parameters: { temperature: 0, stop: ['<|im_end|>'] },
    })
  }
  await d.create('story', starter)
  for (const [name, file] of rerankers) await d.create(name, file)
  return d
}
const hi = [{ role: 'user', content: 'hi' }]
const message = { model: 'scripted', max_tokens: 60, messages: hi }
const weather = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
// [{event, data}] of a stream of server-sent events; comments are left out.
async function events(route, body, headers) {
  const response = await d.fetch('POST', route, body, { headers })
  eq(response.headers.get('content-type'), 'text/event-stream')
  return (await response.text()).split('\n\n').filter((frame) => frame && !frame.startsWith(':')).map((frame) => {
    const data = frame.match(/^data: (.*)$/m)[1]
    return { event: frame.match(/^event: (.*)$/m)?.[1], data: data === '[DONE]' ? data : JSON.parse(data) }
  })
}

await check('Anthropic: the events in their order, with the prompt counted first', async () => {
  await daemon()
  await d.post('/api/generate', { model: 'scripted' })
  const all = await events('/v1/messages', { ...message, stream: true })
  for (const { event, data } of all) eq(event, data.type)
  const names = all.map(({ event }) => event).filter((name, i, list) => name !== list[i - 1])
  eq(names, ['message_start', 'content_block_start', 'ping', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'])
  const { input_tokens: first } = all[0].data.message.usage
  const last = all.at(-2).data
  const counted = (await d.post('/v1/messages/count_tokens', { model: 'scripted', messages: hi })).input_tokens
  eq([first, counted], [last.usage.input_tokens, last.usage.input_tokens])
  const thought = await d.post('/v1/messages', { ...message, model: 'scripted-think', thinking: { type: 'enabled', budget_tokens: 1024 } })
  eq(thought.content.map((block) => block.type), ['thinking', 'text'])
  const short = await d.post('/v1/messages', { ...message, model: 'scripted-think', thinking: { type: 'enabled', budget_tokens: 3 } })
  ok(short.content[0].thinking.length < thought.content[0].thinking.length, JSON.stringify(short.content))
  for (const [route, field] of [['/api/chat', { stream: false }], ['/v1/chat/completions', {}]]) {
    const closed = await d.post(route, { model: 'scripted-think', messages: hi, thinking_budget_tokens: 3, ...field })
    const said = closed.message ?? closed.choices[0].message
    eq(said.thinking ?? said.reasoning, short.content[0].thinking, route)
  }
  const again = await d.post('/v1/messages', { ...message, model: 'scripted-think', messages: [...hi, { role: 'assistant', content: thought.content }, ...hi] })
  eq(again.content.map((block) => block.type), ['text'], 'thoughts come only where they are asked for')
})
await check('Anthropic: errors have its shape, whoever finds them', async () => {
  await daemon()
  const locked = await Daemon.start({ HEARTH_API_KEY: 'secret' })
  for (const [server, method, route, body, status, type] of [
    [d, 'POST', '/v1/messages', { ...message, model: 'none' }, 404, 'not_found_error'],
    [d, 'POST', '/v1/messages', '{', 400, 'invalid_request_error'],
    [d, 'GET', '/v1/messages', undefined, 405, 'invalid_request_error'],
    [d, 'POST', '/v1/messages/batches', {}, 404, 'not_found_error'],
    [locked, 'POST', '/v1/messages', message, 401, 'authentication_error'],
  ]) {
    const answer = await server.call(method, route, body)
    eq([answer.status, answer.json.type, answer.json.error.type], [status, 'error', type], route)
    eq(answer.json.request_id, answer.headers.get('request-id'))
  }
  eq((await locked.call('POST', '/v1/messages', message, { headers: { 'x-api-key': 'secret' } })).status, 404, 'the key opens')
  await locked.stop()
  const listed = await d.call('GET', '/v1/models', undefined, { headers: { 'anthropic-version': '2023-06-01' } })
  ok(listed.json.data.every((model) => model.type === 'model' && model.display_name) && listed.json.has_more === false, listed.text)
})
await check('Responses: kept for a while, gone on from, asked for again, deleted', async () => {
  await daemon()
  const first = await d.post('/v1/responses', { model: 'scripted', input: 'hi', instructions: 'Be short.', metadata: { a: 'b' } })
  eq([first.status, first.metadata, first.output[0].content[0].text.trim()], ['completed', { a: 'b' }, HELLO])
  const more = { model: 'scripted', input: 'more', previous_response_id: first.id }
  const counted = (await d.post('/v1/responses/input_tokens', more)).input_tokens
  const second = await d.post('/v1/responses', more)
  eq(second.usage.input_tokens, counted)
  ok(counted > (await d.post('/v1/responses/input_tokens', { model: 'scripted', input: 'more' })).input_tokens, 'the conversation goes on')
  eq((await d.call('GET', `/v1/responses/${first.id}`)).json, first)
  eq((await d.call('DELETE', `/v1/responses/${first.id}`)).json.deleted, true)
  for (const answer of [await d.call('GET', `/v1/responses/${first.id}`), await d.call('POST', '/v1/responses', more)]) eq([answer.status, answer.json.error.type], [404, 'not_found_error'])
  const unkept = await d.post('/v1/responses', { model: 'scripted', input: 'hi', store: false })
  eq((await d.call('GET', `/v1/responses/${unkept.id}`)).status, 404)
  const cut = await events('/v1/responses', { model: 'scripted', input: 'hi', stream: true, max_output_tokens: 2 })
  const { response } = cut.at(-1).data
  eq([cut.at(-1).event, response.status, response.incomplete_details, response.usage.output_tokens], ['response.incomplete', 'incomplete', { reason: 'max_output_tokens' }, 2])
  eq(cut.map(({ data }) => data.sequence_number), cut.map((_, i) => i))
})
await check('Responses: a call and its result, streamed and not, are the same', async () => {
  await daemon()
  const body = { model: 'scripted', input: 'Weather?', tools: [{ type: 'function', name: 'get_weather', parameters: weather }], temperature: 0 }
  const whole = await d.post('/v1/responses', body)
  const streamed = (await events('/v1/responses', { ...body, stream: true })).at(-1).data.response
  const shape = (response) => response.output.map(({ type, name, arguments: text, status }) => ({ type, name, text, status }))
  eq(shape(whole), [{ type: 'function_call', name: 'get_weather', text: '{"city":"Paris"}', status: 'completed' }])
  eq(shape(streamed), shape(whole))
  const answer = await d.post('/v1/responses', { model: 'scripted', tools: body.tools, previous_response_id: whole.id, input: [{ type: 'function_call_output', call_id: whole.output[0].call_id, output: '22' }] })
  eq(answer.output[0].content[0].text.trim(), 'It is 22 degrees in Paris!')
})
await check('OpenAI: several answers and prompts, each with its own end', async () => {
  await daemon()
  const sampled = { model: 'story', messages: [{ role: 'user', content: 'Tell me a story' }], temperature: 1, max_tokens: 12, n: 3, seed: 5 }
  const whole = await d.post('/v1/chat/completions', sampled)
  const texts = whole.choices.map((choice) => choice.message.content)
  eq(whole.choices.map((choice) => choice.index), [0, 1, 2])
  ok(new Set(texts).size > 1 && whole.usage.completion_tokens <= 36 && whole.usage.prompt_tokens < 20, JSON.stringify(whole.usage))
  eq((await d.post('/v1/chat/completions', { ...sampled, n: 1 })).choices[0].message.content, texts[0], 'the first is as if alone')
  const streamed = ['', '', '']
  const ends = []
  for (const { data } of await events('/v1/chat/completions', { ...sampled, stream: true })) {
    const [choice] = data.choices ?? []
    if (choice) streamed[choice.index] += choice.delta.content ?? ''
    if (choice?.finish_reason) ends.push(choice.index)
  }
  eq([streamed, ends.sort()], [texts, [0, 1, 2]])
  const tokens = (await d.post('/api/tokenize', { model: 'story', text: 'Once upon', special: true })).tokens
  const cold = { model: 'story', temperature: 0, max_tokens: 8 }
  const many = await d.post('/v1/completions', { ...cold, prompt: ['Once upon', 'The dog'], n: 2, echo: true })
  eq(many.choices.map((choice) => choice.text.slice(0, 7)), ['Once up', 'Once up', 'The dog', 'The dog'])
  const raw = await d.post('/v1/completions', { ...cold, prompt: tokens })
  eq(raw.choices[0].text, (await d.post('/api/generate', { model: 'story', prompt: 'Once upon', raw: true, stream: false, options: { temperature: 0, num_predict: 8 } })).response, 'token ids are a raw prompt')
})
await check('OpenAI: biased tokens, seeds and what has no effect', async () => {
  await daemon()
  const body = { model: 'story', prompt: 'Once upon a', temperature: 0, max_tokens: 1 }
  const text = (await d.post('/v1/completions', body)).choices[0].text
  const [token] = (await d.post('/api/tokenize', { model: 'story', text: 'a' + text })).tokens.slice(-1)
  ok((await d.post('/v1/completions', { ...body, logit_bias: { [token]: -100 } })).choices[0].text !== text, 'a forbidden token is not chosen')
  const ignored = await d.call('POST', '/v1/chat/completions', { model: 'scripted', messages: hi, prediction: { type: 'content', content: 'x' }, service_tier: 'auto', reasoning_effort: null })
  eq([ignored.status, ignored.headers.get('hearth-warnings')], [200, 'prediction has no effect; service_tier has no effect'])
  for (const route of ['/api/chat', '/v1/messages']) {
    const answer = await d.call('POST', route, { ...message, stream: false, colour: 'red' })
    ok(/colour has no effect/.test(answer.headers.get('hearth-warnings')), route)
  }
  for (const [route, fields] of Object.entries({ '/api/tokenize': { text: 'a' }, '/tokenize': { content: 'a' }, '/v1/messages/count_tokens': { messages: hi }, '/api/generate': {}, '/api/show': {}, '/api/gc': { dry_run: true }, '/api/verify': {} })) {
    const answer = await d.call('POST', route, { model: 'story', stream: false, colour: 'red', ...fields })
    eq(answer.status, 200, answer.text)
    ok(/colour has no effect/.test(answer.headers.get('hearth-warnings')), route)
  }
  const large = await d.call('POST', '/api/generate', { model: 'story', prompt: 'x', stream: false, options: { num_gpu: 9, num_ctx: 9999999, num_predict: 1 } })
  ok(/"num_gpu" has no effect: models run on the CPU[;,] num_ctx 9999999: this model has \d+/.test(large.headers.get('hearth-warnings')), large.headers.get('hearth-warnings'))
  const made = await d.call('POST', '/api/create', { model: 'warm', from: 'story', parameters: { warmth: 1 }, stream: false })
  ok(/warmth.*ignored/.test(made.headers.get('hearth-warnings')), made.headers.get('hearth-warnings'))
})
await check('a prompt that is too long is refused with what helps, and cut in every dialect', async () => {
  await daemon()
  const long = [{ role: 'user', content: 'once upon a time '.repeat(600) }]
  for (const route of ['/api/chat', '/v1/chat/completions', '/v1/messages']) {
    const body = { model: 'story', messages: long, max_tokens: 2, stream: false }
    const refused = await d.call('POST', route, body)
    eq(refused.status, 400, route)
    ok(/all that this model has here.*\\?"truncate\\?": true/.test(refused.text), refused.text)
    eq((await d.call('POST', route, { ...body, truncate: true })).status, 200, route)
  }
})
await check('300 KB of tools, and limits that say what they are', async () => {
  await daemon()
  const tools = Array.from({ length: 300 }, (_, i) => ({ type: 'function', function: { name: `f${i}`, description: 'd'.repeat(900), parameters: weather } }))
  const counted = await d.post('/v1/chat/completions/count', { model: 'story', messages: hi, tools })
  ok(counted.prompt_tokens > 100000, JSON.stringify(counted))
  const refused = await d.call('POST', '/v1/chat/completions', { model: 'story', messages: hi, tools })
  ok(refused.status === 400 && refused.json.error.message.includes(`${counted.prompt_tokens}`) && /1024/.test(refused.json.error.message), refused.text)
  const rendered = await d.call('POST', '/api/chat', { model: 'scripted', messages: hi, tools, _debug_render_only: true })
  eq([rendered.status, rendered.json.done], [200, false])
  const narrow = await Daemon.start({ HEARTH_MAX_BODY: '100000' })
  eq((await narrow.call('POST', '/v1/messages', { ...message, messages: [{ role: 'user', content: 'x'.repeat(200000) }] })).json.error.type, 'request_too_large')
  await narrow.stop()
})
await check('rerank: scores of both kinds of models, best first', async () => {
  await daemon()
  for (const [model] of rerankers) {
    const documents = ['the cat sat', { text: 'a dog ran far away' }, 'x']
    const all = await d.post('/v1/rerank', { model, query: 'cat', documents })
    eq(all.results.map((result) => result.index).sort(), [0, 1, 2])
    const scores = all.results.map((result) => result.relevance_score)
    eq(scores, [...scores].sort((a, b) => b - a))
    ok(scores.every((score) => score >= 0 && score <= 1) && all.usage.total_tokens > 0, JSON.stringify(all))
    const best = await d.post('/rerank', { model, query: 'cat', documents, top_n: 1, return_documents: true })
    eq([best.results.length, best.results[0].relevance_score], [1, scores[0]])
  }
  const refused = await d.call('POST', '/v1/rerank', { model: 'story', query: 'x', documents: ['y'] })
  eq([refused.status, /does not support rerank/.test(refused.text)], [400, true])
})
await check('formats bind the answer in every dialect, and thoughts stay free', async () => {
  await daemon()
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1, maximum: 99 }, kind: { enum: ['a', 'b'] } }, required: ['n', 'kind'], additionalProperties: false }
  const fits = (text) => { const value = JSON.parse(text); eq(Object.keys(value).sort(), ['kind', 'n']); ok(value.n >= 1 && value.n <= 99 && /^[ab]$/.test(value.kind), text) }
  const named = { name: 'r', schema }
  for (const seed of [1, 2, 3]) {
    const warm = { model: 'story', temperature: 1, seed, max_tokens: 120 }
    fits((await d.post('/api/generate', { model: 'story', prompt: 'x', stream: false, format: schema, options: { temperature: 1, seed, num_predict: 120 } })).response)
    fits((await d.post('/v1/chat/completions', { ...warm, messages: hi, response_format: { type: 'json_schema', json_schema: named } })).choices[0].message.content)
    fits((await d.post('/v1/responses', { model: 'story', temperature: 1, max_output_tokens: 120, input: 'hi', text: { format: { type: 'json_schema', ...named } } })).output[0].content[0].text)
    fits((await d.post('/v1/messages', { ...message, model: 'story', max_tokens: 120, output_config: { format: { type: 'json_schema', schema } } })).content[0].text)
    ok(/^(yes|no)$/.test((await d.post('/v1/completions', { ...warm, prompt: 'x', regex: 'yes|no' })).choices[0].text))
    ok(/^[ab]{3}$/.test((await d.post('/v1/completions', { ...warm, prompt: 'x', grammar: 'root ::= [ab] [ab] [ab]' })).choices[0].text))
  }
  for (const think of [true, false, undefined]) {
    const answer = (await d.post('/api/chat', { model: 'scripted-think', messages: hi, think, stream: false, format: schema, options: { num_predict: 200 } })).message
    if (think) eq(answer.thinking.trim(), 'step one step two')
    fits(answer.content)
  }
})
await check('a format that cannot be bound is refused before anything is loaded', async () => {
  await daemon()
  await d.post('/api/generate', { model: 'story', keep_alive: 0 })
  await eventually(async () => !(await d.ps()).some((m) => m.name.startsWith('story')), 'unloaded')
  const loose = { type: 'object', properties: { a: { not: { type: 'string', pattern: '^x' } } }, required: ['a'] }
  for (const [route, body, part] of [
    ['/api/chat', { format: loose }, /not/],
    ['/v1/chat/completions', { response_format: { type: 'json_schema', json_schema: { name: 'r', schema: loose } } }, /not/],
    ['/v1/chat/completions', { grammar: 'root ::= (' }, /grammar|line|root/],
    ['/v1/chat/completions', { regex: '(' }, /./],
  ]) {
    const answer = await d.call('POST', route, { model: 'story', messages: hi, ...body })
    eq([answer.status, part.test(answer.text)], [400, true], answer.text)
  }
  ok(!(await d.ps()).some((m) => m.name.startsWith('story')), 'nothing was loaded')
  const best = await d.call('POST', '/api/chat', { model: 'story', messages: hi, stream: false, format: loose, format_best_effort: true, options: { num_predict: 20 } })
  eq([best.status, /not/.test(best.headers.get('hearth-warnings'))], [200, true], best.text)
})
await check('a call that is required comes, with arguments that fit, one where one is asked for', async () => {
  await daemon()
  const tools = ['get_weather', 'get_time'].map((name) => ({ type: 'function', function: { name, parameters: weather } }))
  const ask = (more) => d.post('/v1/chat/completions', { model: 'scripted', messages: hi, tools, temperature: 0, max_tokens: 200, ...more })
  const calls = (answer) => answer.choices[0].message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)])
  eq(calls(await ask({ tool_choice: 'required', parallel_tool_calls: false })), [['get_weather', { city: 'Paris' }]])
  const [[name, input]] = calls(await ask({ tool_choice: { type: 'function', function: { name: 'get_time' } }, parallel_tool_calls: false }))
  eq([name, Object.keys(input)], ['get_time', ['city']])
  const free = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'r', schema: weather } } })
  eq(calls(free), [['get_weather', { city: 'Paris' }]], 'a format leaves calls possible')
})
await check('the addresses of llama.cpp, health and the description of the API', async () => {
  await daemon()
  const { tokens } = await d.post('/tokenize', { model: 'story', content: 'Once upon' })
  eq((await d.post('/detokenize', { model: 'story', tokens })).content, 'Once upon')
  const pieces = (await d.post('/tokenize', { model: 'story', content: 'Once upon', with_pieces: true })).tokens
  eq(pieces.map((piece) => piece.piece).join('').trim(), 'Once upon')
  const { prompt } = await d.post('/apply-template', { model: 'scripted', messages: hi })
  ok(prompt.includes('hi') && prompt.endsWith('<|go_text|>'), prompt)
  const chat = await d.post('/v1/chat/completions', { model: 'scripted', messages: hi })
  eq((await d.post('/v1/chat/completions/count', { model: 'scripted', messages: hi })).prompt_tokens, chat.usage.prompt_tokens)
  for (const route of ['/health', '/livez', '/readyz']) eq((await d.call('GET', route)).json, { status: 'ok' })
  const document = (await d.call('GET', '/openapi.json')).json
  ok(document.openapi.startsWith('3.') && document.paths['/v1/messages'].post, 'a document')
})
await check('a stream has its head within a second and a beat while a long prompt is read', async () => {
  await daemon()
  const busy = Array.from({ length: 24 }, (_, i) => d.post('/api/generate', { model: 'story', prompt: 'x', stream: false, options: { num_predict: 400, seed: i, num_ctx: 512 } }))
  const started = Date.now()
  const response = await d.fetch('POST', '/v1/messages', { ...message, model: 'story', stream: true, max_tokens: 200 })
  ok(Date.now() - started < 1500, `head after ${Date.now() - started} ms`)
  ok((await response.text()).includes('event: message_stop'), 'the answer comes')
  await Promise.all(busy)
})
if (d) await d.stop()
