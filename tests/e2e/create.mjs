// Making models: smaller weights, split files, what a child keeps of its parent, and everything that is refused.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { BIN, Daemon, check, eq, eventually, ok, runDaemon, shared, skipNow } from './harness.mjs'

const stories = shared('data/models/stories260K/stories260K-f16.gguf')
const chatFolder = shared('data/models/tinystories-instruct-3m-chat')
const needStories = () => stories ?? skipNow('shared data is absent')
const d = await Daemon.start({ HEARTH_OFFLINE: '1' })
const histogram = (tensors) => tensors.reduce((counts, { type }) => ({ ...counts, [type]: (counts[type] ?? 0) + 1 }), {})
const sorted = (object) => Object.fromEntries(Object.entries(object).sort())
const create = async (body) => { const answer = await d.call('POST', '/api/create', { stream: false, ...body }); return [answer.status, answer.json?.error ?? answer.json?.status] }
const say = async (model) => (await d.post('/api/generate', { model, prompt: 'Once upon a time', raw: true, stream: false, options: { temperature: 0, num_predict: 12 } })).response

await check('create --quantize: the tensors of the reference, progress, and an answer', async () => {
  if (!chatFolder) skipNow('shared data is absent')
  const reference = JSON.parse(fs.readFileSync(path.join(chatFolder, 'quantised/reference.json'))).files
  const source = path.join(chatFolder, 'quantised/tinystories-instruct-3m-chat-f16.gguf')
  const digest = await d.upload(source)
  const events = []
  for await (const event of d.lines('/api/create', { model: 'small', files: { 'chat.gguf': digest }, quantize: 'q4_k' })) events.push(event)
  const bars = events.filter((event) => event.status === 'quantizing F16 model to Q4_K_M')
  ok(bars.length > 1 && bars.every((bar) => bar.digest === '0'.repeat(19) && bar.total === fs.statSync(source).size), JSON.stringify(bars.slice(0, 3)))
  ok(bars.every((bar, i) => i === 0 || bar.completed > (bars[i - 1].completed ?? 0)), 'completed grows')
  eq(events.slice(-2).map((event) => event.status), ['writing manifest', 'success'])
  const shown = await d.post('/api/show', { model: 'small' })
  eq([shown.details.quantization_level, shown.model_info['general.file_type']], ['Q4_K_M', 15])
  const expected = reference.find((entry) => entry.file.endsWith('-q4_k_m.gguf')).tensor_types
  eq(sorted(histogram(shown.tensors)), sorted(expected))
  ok((await say('small')).length > 10, 'it answers')
})
await check('create --quantize from a model, by the old name, and again to the same type', async () => {
  await d.create('story', needStories())
  eq(await create({ model: 'story8', from: 'story', quantization: 'Q8_0' }), [200, 'success'])
  const before = await say('story')
  eq((await say('story8')).slice(0, 20), before.slice(0, 20))
  eq(await create({ model: 'same', from: 'story8', quantize: 'q8_0' }), [200, 'success'])
  const files = async (name) => (await d.post('/api/show', { model: name })).modelfile.match(/^FROM (.*)$/m)[1]
  eq(await files('same'), await files('story8'))
})
await check('create --quantize that cannot work', async () => {
  needStories()
  const [status, error] = await create({ model: 'x', from: 'story8', quantize: 'q4_0' })
  eq(status, 400)
  ok(/already/.test(error) && /F32, F16 or BF16/.test(error), error)
  const [unknown, names] = await create({ model: 'x', from: 'story', quantize: 'q9' })
  eq(unknown, 400)
  ok(/Q4_K_M/.test(names), names)
  eq((await create({ model: 'x', from: 'story', draft_quantize: 'q8_0' }))[0], 400)
  eq((await d.call('POST', '/api/show', { model: 'x' })).status, 404)
})
await check('a client that goes away ends its quantization', async () => {
  const source = shared('data/models/tinystories-656k/tinystories-656k-f32.gguf') ?? skipNow('shared data is absent')
  const digest = await d.upload(source)
  const leaving = new AbortController()
  const request = d.fetch('POST', '/api/create', { model: 'left', files: { 'a.gguf': digest }, quantize: 'q2_k' }, { signal: leaving.signal }).then(async (answer) => { for await (const _ of answer.body) { /* until it is cut */ } })
  await eventually(() => d.runners().length > 0, 'a runner quantizes')
  leaving.abort()
  await request.then(() => { throw new Error('it was faster than the client') }, () => {})
  await eventually(() => !fs.readdirSync(`${d.folder}/models/blobs`).some((name) => name.startsWith('hearth-tmp-')), 'nothing half-written stays')
  eq((await d.call('POST', '/api/show', { model: 'left' })).status, 404)
})
await check('a child keeps what it does not replace', async () => {
  needStories()
  const parts = { system: 'SYS', template: '{{ messages[0].content }}', parameters: { temperature: 0.25, stop: ['Z1', 'Z2'] }, license: 'L1',
    messages: [{ role: 'user', content: 'q' }], renderer: 'r1', parser: 'p1', requires: 'v0.14.0', info: { capabilities: ['completion'], base_name: 'base' } }
  eq(await create({ model: 'parent', from: 'story', ...parts }), [200, 'success'])
  eq(await create({ model: 'child', from: 'parent', parameters: { stop: ['Z3'], top_k: 3 }, license: ['L2', 'L3'], template: '', messages: [] }), [200, 'success'])
  const shown = await d.post('/api/show', { model: 'child' })
  eq([shown.system, shown.license, shown.messages.length], ['SYS', 'L1\nL2\nL3', 1])
  ok(/^temperature +0.25$/m.test(shown.parameters) && /^top_k +3$/m.test(shown.parameters) && /^stop +"Z3"$/m.test(shown.parameters) && !/Z1/.test(shown.parameters), shown.parameters)
  const config = (name) => {
    const manifest = JSON.parse(fs.readFileSync(`${d.folder}/models/manifests/registry.ollama.ai/library/${name}/latest`))
    return JSON.parse(fs.readFileSync(`${d.folder}/models/blobs/${manifest.config.digest.replace(':', '-')}`))
  }
  const { renderer, parser, requires, base_name } = config('child')
  eq([renderer, parser, requires, base_name], ['r1', 'p1', '0.14.0', 'base'])
})
await check('replaced layers are collected', async () => {
  needStories()
  const blobs = () => fs.readdirSync(`${d.folder}/models/blobs`).length
  await create({ model: 'over', from: 'story', system: 'one' })
  const before = blobs()
  await create({ model: 'over', from: 'story', system: 'two' })
  await create({ model: 'over', from: 'over', system: 'three' })
  eq(blobs(), before)
})
await check('create: what is refused, and with which status', async () => {
  const digest = await d.upload(needStories())
  const rows = [
    [400, /model/, { files: { 'a.gguf': digest } }],
    [400, /from.*files/, { model: 'x' }],
    [400, /either|from/, { model: 'x', from: 'story', files: { 'a.gguf': digest } }],
    [400, /name/, { model: 'a b', from: 'story' }],
    [404, /none/, { model: 'x', from: 'none' }],
    ...['../a.gguf', '/a.gguf', 'a\\b.gguf', './a.gguf', 'a//b.gguf', ''].map((name) => [400, /relative/, { model: 'x', files: { [name]: digest } }]),
    [400, /digest/, { model: 'x', files: { 'a.gguf': '' } }],
    [400, /digest|sha256/, { model: 'x', files: { 'a.gguf': 'sha256:short' } }],
    [400, /store/, { model: 'x', files: { 'a.gguf': `sha256:${'0'.repeat(64)}` } }],
    [400, /part 2 of 2/, { model: 'x', files: { 'a-00001-of-00002.gguf': digest } }],
    [400, /both whole/, { model: 'x', files: { 'a.gguf': digest, 'b.gguf': digest } }],
    [400, /no adapter/, { model: 'x', from: 'story', adapters: { 'a.gguf': digest } }],
    [400, /one/, { model: 'x', from: 'story', adapters: { a: digest, b: digest } }],
    [400, /version/, { model: 'x', from: 'story', requires: 'soon' }],
    [400, /context_length/, { model: 'x', from: 'story', info: { context_length: 'x' } }],
    [400, /info/, { model: 'x', from: 'story', info: [] }],
    [400, /top_k/, { model: 'x', from: 'story', parameters: { top_k: 'x' } }],
    [400, /role|messages/, { model: 'x', from: 'story', messages: [{}] }],
    [400, /template|line/, { model: 'x', from: 'story', template: '{{ if }' }],
    [404, /nothing/, { model: 'x', links: { 'a.gguf': '/nothing' } }],
    [400, /absolute/, { model: 'x', links: { 'a.gguf': 'nothing' } }],
    [400, /remote/, { model: 'x', from: 'story', remote_host: 'h' }],
    [400, /draft_files/, { model: 'x', from: 'story', draft_files: { '../d.gguf': digest } }],
  ]
  for (const [status, pattern, body] of rows) {
    const [found, error] = await create(body)
    eq(found, status, JSON.stringify(body))
    ok(pattern.test(error), `${JSON.stringify(body)}: ${error}`)
  }
  eq((await d.call('POST', '/api/show', { model: 'x' })).status, 404)
})
await check('create from a split file joins it', async () => {
  const folder = shared('oracle/archs') ?? skipNow('shared data is absent')
  const parts = fs.readdirSync(folder).filter((name) => /-0000\d-of-0000\d\.gguf$/.test(name)).sort()
  if (parts.length === 0) skipNow('no split file in the shared data')
  const whole = parts[0].replace(/-00001-of-.*/, '')
  const files = {}
  for (const part of parts.filter((name) => name.startsWith(whole))) files[part] = await d.upload(path.join(folder, part))
  eq(await create({ model: 'joined', files }), [200, 'success'])
  const manifest = JSON.parse(fs.readFileSync(`${d.folder}/models/manifests/registry.ollama.ai/library/joined/latest`))
  eq(manifest.layers.filter(({ mediaType }) => mediaType.endsWith('image.model')).length, 1)
})
await check('models of an Ollama store are used, copied and not deleted', async () => {
  needStories()
  await create({ model: 'user/theirs', from: 'story', system: 'far' })
  const other = await Daemon.start({ HEARTH_OLLAMA_STORES: `${d.folder}/models` })
  const theirs = (await other.call('GET', '/api/tags')).json.models.find(({ name }) => name === 'user/theirs:latest')
  ok(theirs?.details.family === 'llama', JSON.stringify(theirs))
  eq((await other.post('/api/show', { model: 'user/theirs' })).system, 'far')
  ok((await other.post('/api/generate', { model: 'user/theirs', prompt: 'Once', stream: false, options: { num_predict: 4 } })).done, 'it answers')
  const refused = await other.call('DELETE', '/api/delete', { model: 'user/theirs' })
  eq(refused.status, 403)
  ok(refused.json.error.includes(`${d.folder}/models`), refused.json.error)
  eq((await other.call('POST', '/api/copy', { source: 'user/theirs', destination: 'mine' })).status, 200)
  await d.call('DELETE', '/api/delete', { model: 'user/theirs' })
  eq((await other.post('/api/show', { model: 'mine' })).system, 'far')
  await other.stop()
})
await check('a folder has one daemon; an index that is damaged is made again', async () => {
  const { code, output } = await runDaemon(['--host', '127.0.0.1:0', '--models', `${d.folder}/models`])
  eq(code, 1)
  ok(output.includes(`process ${d.process.pid}`) && output.includes('HEARTH_MODELS'), output)
  const models = fs.mkdtempSync(path.join(d.folder, 'other-'))
  fs.writeFileSync(path.join(models, 'index.db'), 'x'.repeat(9000))
  const other = await Daemon.start({ HEARTH_MODELS: models })
  await other.create('story', needStories())
  eq((await other.call('GET', '/api/tags')).json.models.length, 1)
  await other.stop()
})
await check('hearth create: quantize, a folder, a draft and a link that leads out', async () => {
  needStories()
  const folder = fs.mkdtempSync(path.join(d.folder, 'cli-'))
  fs.copyFileSync(stories, path.join(folder, 'story.gguf'))
  const run = (args) => new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearth'), args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, HEARTH_HOST: `127.0.0.1:${d.port}` } })
    let text = ''
    child.stderr.on('data', (bytes) => { text += bytes })
    child.on('close', (code) => done([code, text]))
    child.stdin.end()
  })
  const [code, text] = await run(['create', 'cli-small', '-q', 'Q8_0'])
  eq(code, 0, text)
  eq((await d.post('/api/show', { model: 'cli-small' })).details.quantization_level, 'Q8_0')
  fs.writeFileSync(path.join(folder, 'Modelfile'), 'FROM ./story.gguf\nDRAFT ~/story.gguf\nREQUIRES 0.1\n')
  eq((await run(['create', 'with-draft']))[0], 0)
  eq(await say('with-draft'), await say('story'), 'a draft model changes nothing')
  const [linked, said] = await run(['create', 'linked', '--link'])
  eq(linked, 0, said)
  const place = (await d.post('/api/show', { model: 'linked' })).modelfile.match(/^FROM (.*)$/m)[1]
  ok((await say('linked')).length > 5 && fs.existsSync(place), place)
  const bytes = createHash('sha256').update(fs.readFileSync(stories)).digest('hex')
  ok((await d.post('/api/show', { model: 'with-draft' })).modelfile.includes(`sha256-${bytes}`), 'the file as it is')
  const [wrong, why] = await run(['create', 'x', '-f', 'nothing'])
  ok(wrong === 1 && /no file nothing/.test(why), why)
  fs.mkdirSync(path.join(folder, 'links'))
  fs.symlinkSync('../story.gguf', path.join(folder, 'links/a.gguf'))
  fs.writeFileSync(path.join(folder, 'Modelfile'), 'FROM ./links\n')
  const [out, reason] = await run(['create', 'x'])
  ok(out === 1 && /leads out of/.test(reason), reason)
})
await d.stop()
