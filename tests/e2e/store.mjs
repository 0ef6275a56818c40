// Routes that need no running model: health, errors, access, blobs, create, show, tags, copy, delete.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { BIN, Daemon, check, eq, ok, runDaemon, shared, skipNow } from './harness.mjs'

const model = shared('data/models/stories260K/stories260K-f32.gguf')
const needModel = () => model ?? skipNow('shared data is absent')
const d = await Daemon.start({ HEARTH_OFFLINE: '1' })

await check('health', async () => {
  eq((await d.call('GET', '/')).text, 'Ollama is running')
  const head = await d.call('HEAD', '/')
  eq([head.status, head.text], [200, ''])
  const version = (await d.call('GET', '/api/version')).json
  eq(version.version, '0.33.0')
  ok(/^\d+\.\d+\.\d+/.test(version.hearth), version.hearth)
})
await check('unknown routes and methods', async () => {
  const missing = await d.call('GET', '/nope')
  eq([missing.status, typeof missing.json.error], [404, 'string'])
  const openai = await d.call('GET', '/v1/nope')
  eq([openai.status, openai.json.error.type], [404, 'not_found_error'])
  const wrong = await d.call('GET', '/api/chat')
  eq([wrong.status, wrong.headers.get('allow')], [405, 'POST'])
  const slash = await d.call('GET', '/api/tags/', undefined, { redirect: 'manual' })
  eq([slash.status, slash.headers.get('location')], [301, '/api/tags'])
})
await check('bodies that are wrong', async () => {
  for (const route of ['/api/generate', '/api/chat', '/api/show', '/api/create', '/api/copy', '/v1/chat/completions']) {
    eq((await d.call('POST', route, '')).status, 400, route)
    eq((await d.call('POST', route, '{"model":')).status, 400, route)
  }
  eq((await d.call('DELETE', '/api/delete', '')).status, 400)
})
await check('models that are missing', async () => {
  const generate = await d.call('POST', '/api/generate', { model: 'none', prompt: 'x' })
  eq([generate.status, generate.json.error], [404, "model 'none' not found"])
  eq((await d.call('POST', '/api/generate', { prompt: 'x' })).status, 404)
  eq((await d.call('POST', '/api/chat', { model: 'none', messages: [] })).status, 404)
  eq((await d.call('POST', '/api/chat', { messages: [] })).status, 400)
  eq((await d.call('POST', '/api/show', { model: 'none' })).status, 404)
  eq((await d.call('DELETE', '/api/delete', { model: 'none' })).status, 404)
  eq((await d.call('POST', '/api/copy', { source: 'none', destination: 'x' })).status, 404)
  eq((await d.call('GET', '/v1/models/none')).status, 404)
  const openai = await d.call('POST', '/v1/chat/completions', { model: 'none', messages: [{ role: 'user', content: 'x' }] })
  eq([openai.status, openai.json.error.type], [404, 'not_found_error'])
  for (const name of ['a b', '../x', 'a/', ':x']) eq((await d.call('POST', '/api/show', { model: name })).status, 400, name)
})
await check('host and origin', async () => {
  const evil = await d.call('GET', '/', undefined, { headers: { origin: 'http://evil.example' } })
  eq(evil.status, 403)
  ok(/evil\.example.*HEARTH_ORIGINS/.test(evil.json.error), evil.json.error)
  const page = await d.call('GET', '/', undefined, { headers: { origin: 'http://localhost:3000' } })
  eq([page.status, page.headers.get('access-control-allow-origin')], [200, 'http://localhost:3000'])
  const preflight = await d.call('OPTIONS', '/api/chat', undefined, { headers: { origin: 'http://localhost:3000' } })
  eq(preflight.status, 204)
})
await check('blobs', async () => {
  const bytes = Buffer.alloc(3_000_000, 'hearth')
  const hex = createHash('sha256').update(bytes).digest('hex')
  eq((await d.call('HEAD', `/api/blobs/sha256:${hex}`)).status, 404)
  eq((await d.call('HEAD', '/api/blobs/sha256:short')).status, 400)
  const wrong = await d.call('POST', `/api/blobs/sha256:${'0'.repeat(64)}`, bytes)
  eq(wrong.status, 400)
  ok(wrong.json.error.includes(hex), wrong.json.error)
  eq((await d.call('POST', `/api/blobs/sha256:${hex}`, bytes)).status, 201)
  eq((await d.call('POST', `/api/blobs/sha256:${hex}`, bytes)).status, 200)
  eq((await d.call('HEAD', `/api/blobs/sha256-${hex}`)).status, 200)
  eq(fs.readFileSync(`${d.folder}/models/blobs/sha256-${hex}`).equals(bytes), true)
})
await check('create from a file', async () => {
  const digest = await d.upload(needModel())
  const events = []
  for await (const event of d.lines('/api/create', { model: 'story', files: { 'story.gguf': digest } })) events.push(event.status)
  eq(events[0], 'parsing GGUF')
  ok(events.includes(`using existing layer ${digest}`), events.join())
  eq(events.slice(-2), ['writing manifest', 'success'])
  const [entry] = (await d.call('GET', '/api/tags')).json.models
  eq([entry.name, entry.details.format, entry.details.family, entry.details.quantization_level, entry.capabilities], ['story:latest', 'gguf', 'llama', 'F32', ['completion']])
  ok(/^[0-9a-f]{64}$/.test(entry.digest) && entry.size > fs.statSync(model).size, JSON.stringify(entry))
  const listed = (await d.call('GET', '/v1/models')).json
  eq([listed.object, listed.data[0].id, listed.data[0].owned_by], ['list', 'story:latest', 'library'])
  eq((await d.call('GET', '/v1/models/story')).json.id, 'story')
})
await check('show: a system text and options in place of the model\'s', async () => {
  needModel()
  const shown = await d.post('/api/show', { model: 'story', system: 'OTHER', options: { top_k: 7 } })
  eq(shown.system, 'OTHER')
  ok(/^top_k +7$/m.test(shown.parameters) && /^SYSTEM OTHER$/m.test(shown.modelfile) && /^PARAMETER top_k 7$/m.test(shown.modelfile), shown.modelfile)
  eq((await d.post('/api/show', { model: 'story' })).system, undefined)
})
await check('show', async () => {
  needModel()
  const shown = await d.post('/api/show', { model: 'story' })
  eq(shown.model_info['general.architecture'], 'llama')
  ok(shown.model_info['general.parameter_count'] > 200_000, 'parameter_count')
  eq(shown.model_info['tokenizer.ggml.tokens'], null)
  ok(shown.tensors.length > 10 && shown.modelfile.includes('\nFROM '), 'tensors, modelfile')
  ok((await d.post('/api/show', { name: 'STORY', verbose: true })).model_info['tokenizer.ggml.tokens'].length === 512, 'verbose')
})
await check('create from a model', async () => {
  needModel()
  const parts = { system: 'SYS', parameters: { temperature: 0.25, stop: ['Z1', 'Z2'] }, license: ['L1', 'L2'],
    messages: [{ role: 'user', content: 'q' }, { role: 'assistant', content: 'a' }] }
  eq((await d.post('/api/create', { model: 'child', from: 'story', stream: false, ...parts })).status, 'success')
  await d.post('/api/create', { model: 'grandchild', from: 'child', stream: false, parameters: { top_k: 3 } })
  const shown = await d.post('/api/show', { model: 'grandchild' })
  eq([shown.system, shown.license, shown.messages.length, shown.details.parent_model], ['SYS', 'L1\nL2', 2, 'child:latest'])
  ok(/^temperature +0.25$/m.test(shown.parameters) && /^top_k +3$/m.test(shown.parameters) && /^stop +"Z1"$/m.test(shown.parameters), shown.parameters)
  ok(/^SYSTEM SYS$/m.test(shown.modelfile) && /^MESSAGE user q$/m.test(shown.modelfile), shown.modelfile)
})
await check('create that cannot work', async () => {
  const refused = async (body) => { const answer = await d.call('POST', '/api/create', body); return [answer.status, answer.json.error] }
  const digest = `sha256:${'0'.repeat(64)}`
  eq((await refused({ model: 'x' }))[0], 400)
  eq((await refused({ model: 'a b', from: 'story' }))[0], 400)
  eq((await refused({ model: 'x', from: 'none' }))[0], 404)
  eq((await refused({ model: 'x', files: { '../x.gguf': digest } }))[0], 400)
  eq((await refused({ model: 'x', files: { 'x.gguf': digest } }))[0], 400)
  const bytes = Buffer.from('GGUFnonsense')
  const nonsense = 'sha256:' + createHash('sha256').update(bytes).digest('hex')
  await d.call('POST', `/api/blobs/${nonsense}`, bytes)
  const [status, error] = await refused({ model: 'x', files: { 'x.gguf': nonsense } })
  eq(status, 400)
  ok(error.includes('x.gguf'), error)
})
await check('copy and delete', async () => {
  needModel()
  eq((await d.call('POST', '/api/copy', { source: 'story', destination: 'user/copy:v1' })).status, 200)
  eq((await d.call('GET', '/v1/models/user/copy:v1')).json.id, 'user/copy:v1')
  for (const name of ['story', 'child', 'grandchild']) eq((await d.call('DELETE', '/api/delete', { model: name })).status, 200)
  eq((await d.call('GET', '/api/tags')).json.models.map((m) => m.name), ['user/copy:v1'])
  eq((await d.call('DELETE', '/api/delete', { name: 'user/copy:v1' })).status, 200)
  eq(fs.readdirSync(`${d.folder}/models/blobs`).filter((name) => fs.statSync(`${d.folder}/models/blobs/${name}`).size > 2_999_999 && !name.startsWith('sha256')).length, 0)
})
await check('a second daemon on the port names the first', async () => {
  const { code, output } = await runDaemon(['--host', `127.0.0.1:${d.port}`])
  eq(code, 1)
  ok(/hearth \d/.test(output) && output.trim().split('\n').length === 1, output)
})
await check('beyond this computer only with a key', async () => {
  const { code, output } = await runDaemon(['--host', '0.0.0.0:0'])
  eq(code, 1)
  ok(/HEARTH_API_KEY/.test(output) && /--insecure-no-auth/.test(output) && output.trim().split('\n').length === 1, output)
})
await check('a key is asked for', async () => {
  const locked = await Daemon.start({ HEARTH_API_KEY: 'k' })
  eq((await locked.call('GET', '/')).status, 200)
  eq((await locked.call('GET', '/api/tags')).status, 401)
  eq((await locked.call('GET', '/v1/models')).json.error.type, 'authentication_error')
  eq((await locked.call('GET', '/api/tags', undefined, { headers: { authorization: 'Bearer k' } })).status, 200)
  eq((await locked.stop()).code, 0)
})
await check('settings', async () => {
  const { code, output } = await runDaemon(['--show-config', '--keep-alive', '1h'], { OLLAMA_NUM_PARALLEL: '7' })
  eq(code, 0)
  ok(/keep-alive +1h +flag/.test(output) && /num-parallel +7 +OLLAMA_NUM_PARALLEL/.test(output), output)
  const wrong = await runDaemon(['--keep-alive', 'soon'])
  eq([wrong.code, wrong.output.trim().split('\n').length], [1, 1])
})
await check('a signal ends it cleanly', async () => { eq(await d.stop('SIGINT'), { code: 0, signal: null }); ok(BIN) })
