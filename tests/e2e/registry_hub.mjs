// Names of Hugging Face, against a front that answers as it does: tags, the choice without one, parts, projectors, tokens.
import fs from 'node:fs'
import path from 'node:path'
import { Daemon, check, eq, ok } from './harness.mjs'
import { digestOf, examineStore, temporaryFolder, writeGguf } from './docker_registry.mjs'
import { HuggingFace, TOKEN } from './hf_front.mjs'
import { manifestFile, pull } from './pulling.mjs'

const scratch = temporaryFolder('hub')
const gguf = (bytes, seed) => { const file = path.join(scratch, 'gguf'); writeGguf(file, bytes, seed); return fs.readFileSync(file) }
const files = {
  'README.md': 'text', 'tiny-F16.gguf': gguf(1_600_000, 1), 'tiny-Q8_0.gguf': gguf(800_000, 2), 'tiny-Q4_K_M.gguf': gguf(500_000, 3), 'mmproj-tiny-F16.gguf': gguf(60_000, 4),
  'UD-Q6_K_XL/tiny-UD-Q6_K_XL-00001-of-00002.gguf': gguf(300_000, 5), 'UD-Q6_K_XL/tiny-UD-Q6_K_XL-00002-of-00002.gguf': gguf(310_000, 6),
  template: '{{ .Prompt }}', params: '{"stop":["</s>"]}', system: 'You are short.',
}
const hub = await HuggingFace.start({ 'someone/tiny-GGUF': { files }, 'someone/private-GGUF': { files, isPrivate: true }, 'someone/gated-GGUF': { files, isGated: true }, 'someone/refused-GGUF': { files, refusesRegistry: true },
  'someone/text': { files: { 'README.md': 'x' } } })
const models = (d) => path.join(d.folder, 'models')
// The layers of a stored model: [kind, digest].
const layers = (d, name) => JSON.parse(fs.readFileSync(manifestFile(models(d), name), 'utf8')).layers.map(({ mediaType, digest }) => [mediaType.split('.').at(-1), digest])
const weights = (d, name) => layers(d, name).filter(([kind]) => kind === 'model').map(([, digest]) => digest)
const HF_ENDPOINT = hub.base

await check('a tag of Hugging Face is a variant, however it is written', async () => {
  const d = await Daemon.start({ HF_ENDPOINT })
  for (const [tag, file] of [['Q4_K_M', 'tiny-Q4_K_M.gguf'], ['q8_0', 'tiny-Q8_0.gguf'], ['tiny-F16.gguf', 'tiny-F16.gguf']]) {
    const name = `hf.co/someone/tiny-GGUF:${tag}`, { events, error } = await pull(d, name, { insecure: false })
    ok(!error, `${tag}: ${error}`)
    eq([events[0].status, events.at(-1).status], ['pulling manifest', 'success'])
    eq(layers(d, name), [['model', digestOf(files[file])], ['projector', digestOf(files['mmproj-tiny-F16.gguf'])], ...['template', 'params', 'system'].map((text) => [text, digestOf(files[text])])], tag)
  }
  ok((await d.call('GET', '/api/tags')).json.models.some(({ name }) => name === 'hf.co/someone/tiny-GGUF:Q4_K_M'), 'listed')
  examineStore(models(d))
  eq(hub.leaks, [])
  await d.stop()
})
await check('without a tag the best variant for the memory is taken, and said', async () => {
  for (const [limit, label, file] of [['64M', 'Q8_0', 'tiny-Q8_0.gguf'], ['1100K', 'Q4_K_M', 'tiny-Q4_K_M.gguf']]) {
    const d = await Daemon.start({ HF_ENDPOINT, HEARTH_MEMORY_LIMIT: limit }), name = 'huggingface.co/someone/tiny-GGUF'
    const { events, error } = await pull(d, name, { insecure: false })
    ok(!error, error)
    const said = events.find(({ status }) => status.startsWith('using '))?.status
    ok(said?.startsWith(`using ${label}, `) && /of 4 variants/.test(said), said)
    eq(weights(d, name), [digestOf(files[file])])
    await d.stop()
  }
})
await check('models in parts, and what the registry routes refuse', async () => {
  const d = await Daemon.start({ HF_ENDPOINT })
  const parts = Object.keys(files).filter((name) => name.includes('-of-')).map((name) => digestOf(files[name]))
  for (const tag of ['UD-Q6_K_XL', 'q6_k_xl']) {
    const name = `hf.co/someone/tiny-GGUF:${tag}`, { error } = await pull(d, name, { insecure: false })
    ok(!error, error)
    eq(weights(d, name), parts, tag)
  }
  const { error } = await pull(d, 'hf.co/someone/refused-GGUF:Q4_K_M', { insecure: false })
  ok(!error, error)
  eq(layers(d, 'hf.co/someone/refused-GGUF:Q4_K_M').map(([kind]) => kind).sort(), ['model', 'params', 'projector', 'system', 'template'])
  examineStore(models(d))
  const unknown = await pull(d, 'hf.co/someone/tiny-GGUF:Q2_K', { insecure: false })
  ok(/no "Q2_K"; there are Q4_K_M \(/.test(unknown.error), unknown.error)
  const text = await pull(d, 'hf.co/someone/text', { insecure: false })
  ok(/no GGUF files/.test(text.error), text.error)
  await d.stop()
})
await check('private and gated repositories', async () => {
  const stranger = await Daemon.start({ HF_ENDPOINT })
  for (const [name, wanted] of [['private-GGUF:Q4_K_M', /HF_TOKEN/], ['private-GGUF', /HF_TOKEN/], ['none-GGUF', /is not there, or it is private/], ['gated-GGUF', /terms/]]) {
    const { error, ms } = await pull(stranger, `hf.co/someone/${name}`, { insecure: false })
    ok(wanted.test(error) && ms < 10000, `${name}: ${error}`)
  }
  await stranger.stop()
  const known = await Daemon.start({ HF_ENDPOINT, HF_TOKEN: TOKEN })
  for (const tag of ['Q4_K_M', 'latest', 'UD-Q6_K_XL']) {
    const { error } = await pull(known, `hf.co/someone/private-GGUF:${tag}`, { insecure: false })
    ok(!error, error)
  }
  examineStore(models(known))
  eq(hub.leaks, [])
  ok(!known.log.includes(TOKEN), 'the token is in the log')
  await known.stop()
})
await hub.stop()
