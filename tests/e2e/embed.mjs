// Vectors and tokens through the daemon: all endpoints, their limits, and that they leave no work behind.
import { Daemon, check, eq, eventually, ok, shared, skipNow } from './harness.mjs'

const model = shared('oracle/archs/qwen3-embed.gguf')
const stories = shared('data/models/stories260K/stories260K-f32.gguf')
const length = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))

let d
async function daemon() {
  if (!model || !stories) skipNow('shared data is absent')
  if (d) return d
  d = await Daemon.start()
  await d.create('embedder', model)
  await d.create('stories', stories)
  return d
}

await check('embed: one, many, empty, shortened', async () => {
  await daemon()
  const one = await d.post('/api/embed', { model: 'embedder', input: 'hello' })
  eq(one.embeddings.length, 1)
  ok(Math.abs(length(one.embeddings[0]) - 1) < 1e-5, 'length 1')
  ok(one.total_duration > 0 && one.prompt_eval_count > 0, 'metrics')
  const many = await d.post('/api/embed', { model: 'embedder', input: ['hello', 'world', 'hello'] })
  eq(many.embeddings[0], one.embeddings[0], 'the same alone and among others')
  eq(many.embeddings[2], one.embeddings[0])
  const short = await d.post('/api/embed', { model: 'embedder', input: 'hello', dimensions: 8 })
  eq(short.embeddings[0].length, 8)
  ok(Math.abs(length(short.embeddings[0]) - 1) < 1e-5, 'length 1 again')
  for (const input of [[], '', null]) eq((await d.post('/api/embed', { model: 'embedder', input })).embeddings, [])
})
await check('embed: what does not fit is refused or said', async () => {
  await daemon()
  const input = 'word '.repeat(3000)
  const refused = await d.call('POST', '/api/embed', { model: 'embedder', input, truncate: false })
  eq(refused.status, 400)
  ok(/context length/.test(refused.json.error), refused.text)
  const cut = await d.call('POST', '/api/embed', { model: 'embedder', input })
  eq(cut.status, 200)
  ok(/1 of 1 inputs/.test(cut.headers.get('hearth-warnings')), 'a warning')
  for (const [body, status] of [[{ model: 'embedder', input: 'x', dimensions: 9999 }, 400], [{ model: 'none', input: 'x' }, 404], [{ input: 'x' }, 404],
    [{ model: 'embedder', input: new Array(8193).fill('x') }, 400]]) {
    eq((await d.call('POST', '/api/embed', body)).status, status, JSON.stringify(body).slice(0, 60))
  }
})
await check('embed: the old endpoint and OpenAI\'s give the same vector', async () => {
  await daemon()
  const [vector] = (await d.post('/api/embed', { model: 'embedder', input: 'hello' })).embeddings
  eq((await d.post('/api/embeddings', { model: 'embedder', prompt: 'hello' })).embedding, vector)
  eq((await d.post('/api/embeddings', { model: 'embedder' })).embedding, [])
  eq((await d.post('/v1/embeddings', { model: 'embedder', input: 'hello' })).data[0].embedding, vector)
  const base64 = (await d.post('/v1/embeddings', { model: 'embedder', input: 'hello', encoding_format: 'base64' })).data[0].embedding
  const bytes = Buffer.from(base64, 'base64')
  eq(bytes.readFloatLE(4), Math.fround(vector[1]))
  const tokens = (await d.post('/api/tokenize', { model: 'embedder', text: 'hello' })).tokens
  eq((await d.post('/v1/embeddings', { model: 'embedder', input: [tokens, tokens] })).data.length, 2)
})
await check('embed: 32 clients at once get what one gets, and a text model embeds too', async () => {
  await daemon()
  const [vector] = (await d.post('/api/embed', { model: 'embedder', input: 'hello there' })).embeddings
  const all = await Promise.all(Array.from({ length: 32 }, (_, i) => d.post('/api/embed', { model: 'embedder', input: [`text ${i}`, 'hello there'] })))
  for (const reply of all) eq(reply.embeddings[1], vector)
  const story = await d.post('/api/embed', { model: 'stories', input: 'Once upon a time' })
  eq(story.embeddings[0].length, 64)
})
await check('embed: keep_alive 0 unloads, an embedding model does not chat', async () => {
  await daemon()
  await d.post('/api/embed', { model: 'embedder', input: 'x', keep_alive: 0 })
  await eventually(async () => !(await d.ps()).some((m) => m.name.startsWith('embedder')), 'unloaded')
  const refused = await d.call('POST', '/api/chat', { model: 'embedder', messages: [{ role: 'user', content: 'x' }] })
  eq(refused.status, 400)
  ok(/does not support chat/.test(refused.json.error), refused.text)
})
await check('tokenize: with the weights not loaded, there and back', async () => {
  await daemon()
  await d.post('/api/generate', { model: 'stories', prompt: '', keep_alive: 0 })
  await eventually(async () => (await d.ps()).length === 0, 'nothing is loaded')
  const text = 'Once upon  a time,\nthere was\t"Ünïcode" 猫 <s>'
  const { tokens, count } = await d.post('/api/tokenize', { model: 'stories', text })
  eq(count, tokens.length)
  eq((await d.post('/api/detokenize', { model: 'stories', tokens })).content, text)
  eq(await d.ps(), [], 'no model was loaded for it')
  ok(!tokens.includes(1), 'a typed <s> is text')
  eq((await d.post('/api/tokenize', { model: 'stories', text: '<s>a', special: true })).tokens[0], 1)
  eq((await d.post('/api/tokenize', { model: 'stories', text: '' })).tokens, [])
  eq((await d.call('POST', '/api/detokenize', { model: 'stories', tokens: [99999] })).status, 400)
  eq((await d.call('POST', '/api/tokenize', { model: 'none', text: 'x' })).status, 404)
})
await check('generate: the prompt only, log-probabilities, OpenAI completions', async () => {
  await daemon()
  const rendered = await d.post('/api/generate', { model: 'stories', prompt: 'Once', _debug_render_only: true })
  eq(rendered._debug_info.rendered_template, 'Once')
  const options = { temperature: 0, num_predict: 5 }
  const reply = await d.post('/api/generate', { model: 'stories', prompt: 'Once', options, logprobs: true, top_logprobs: 2, stream: false })
  eq(reply.logprobs.length, 5)
  eq(reply.logprobs.map((l) => l.token).join(''), reply.response)
  ok(reply.logprobs.every((l) => l.logprob <= 0 && l.top_logprobs.length === 2 && l.top_logprobs[0].logprob === l.logprob), 'greedy takes the likeliest')
  let streamed = []
  for await (const line of d.lines('/api/generate', { model: 'stories', prompt: 'Once', options, logprobs: true })) streamed.push(...line.logprobs ?? [])
  eq(streamed.map((l) => l.logprob), reply.logprobs.map((l) => l.logprob))
  const completion = await d.post('/v1/completions', { model: 'stories', prompt: 'Once', temperature: 0, max_tokens: 5, logprobs: 1 })
  eq(completion.choices[0].text, reply.response)
  eq(completion.choices[0].logprobs.tokens.join(''), reply.response)
  eq((await d.call('POST', '/api/generate', { model: 'stories', prompt: 'a', suffix: 'b' })).status, 400)
})
if (d) await d.stop()
