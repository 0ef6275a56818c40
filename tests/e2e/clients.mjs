// The official client libraries against hearthd, by the shared scripts, as far as this version goes.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Daemon, add, check, endless, ok, shared, skipNow } from './harness.mjs'

const modules = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'node_modules')
const model = shared('clients/models/scripted.gguf')

const embedder = shared('oracle/archs/qwen3-embed.gguf')

// A scripted model as its Modelfile makes it: with a Go template, greedy.
const create = (daemon, name) => daemon.create(name, shared(`clients/models/${name}.gguf`), {
  template: fs.readFileSync(shared(`clients/models/${name}.Modelfile`), 'utf8').match(/TEMPLATE """([^]*?)"""/)[1],
  parameters: { temperature: 0, stop: ['<|im_end|>'] },
})

// Left out: what registry.mjs does (push and pull), what Ollama's cloud has, and with a real model what needs known text.
const scripts = [
  ['ollama-js.mjs', 'ollama', { only: '^ollama-js\\.(?!push|pull|systemone|web)' }],
  ['ollama-js.mjs', 'ollama', { isReal: true, only: '^ollama-js\\.(?!push|pull|systemone|web|generate.template)' }],
  ['openai.mjs', 'openai', { only: '^openai\\.(?!abort.(signal|timeout))' }],
  // These give up on an answer of 1,000 tokens after 150 ms, when a small model alone has long written it.
  ['openai.mjs', 'openai', { isBusy: true, only: '^openai\\.abort.(signal|timeout)' }],
  ['openai.mjs', 'openai', { isReal: true, only: '^openai\\.(?!abort|tools.runTools)' }],
  ['anthropic.mjs', '@anthropic-ai/sdk', { only: '' }],
  ['anthropic.mjs', '@anthropic-ai/sdk', { isReal: true, only: '^anthropic\\.(?!beyond.stop_reason)' }],
  ['openapi.mjs', 'ajv', { only: '' }],
]

// Answers without end, so that others take their time.
function keepBusy(d, model) {
  const stop = new AbortController()
  for (let i = 0; i < 16; i++) d.fetch('POST', '/api/generate', { model, prompt: `${i}`, format: endless, options: { num_predict: 1e6, num_ctx: 256 }, shift: true }, { signal: stop.signal }).then((answer) => answer.text()).catch(() => {})
  return () => stop.abort()
}

for (const [script, library, { only, isReal, isBusy }] of scripts) {
  let counts
  await check(`${script} runs${isReal ? ' with the starter' : isBusy ? ' while others are served' : ''}`, async () => {
    if (!model || !embedder) skipNow('shared data is absent')
    if (!fs.existsSync(path.join(modules, library))) skipNow(`the npm package ${library} is not installed`)
    const local = path.join(modules, '.bin/node')
    const node = fs.existsSync(local) && spawnSync(local, ['--version']).status === 0 ? local : process.execPath
    const d = await Daemon.start(isReal ? { HEARTH_NO_STARTER: '0' } : {})
    if (!isReal) {
      await create(d, 'scripted')
      await create(d, 'scripted-think')
    }
    await d.create('embedder', embedder)
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-clients-'))
    for (const file of [script, 'h.mjs', 'package.json']) fs.copyFileSync(shared(`clients/${file}`), path.join(folder, file))
    fs.symlinkSync(modules, path.join(folder, 'node_modules'))
    const env = { PATH: process.env.PATH, HOME: folder, BASE_URL: d.base, EMBED_MODEL: 'embedder', BEYOND: '1', ONLY: only,
      ...(isReal ? { MODEL: 'starter' } : { MODEL: 'scripted', THINK_MODEL: 'scripted-think' }),
      OLLAMA_SPEC: shared('data/openapi/ollama.yaml'), OPENAI_SPEC: shared('data/openapi/openai.json') }
    const { spawn } = await import('node:child_process')
    const stopBusy = isBusy ? keepBusy(d, 'scripted') : () => {}
    const output = await new Promise((done) => {
      let text = ''
      const child = spawn(node, [script], { cwd: folder, env })
      child.stdout.on('data', (bytes) => { text += bytes })
      child.stderr.on('data', (bytes) => { text += bytes })
      child.on('exit', () => done(text))
    })
    stopBusy()
    fs.rmSync(folder, { recursive: true, force: true })
    await d.stop()
    for (const line of output.split('\n')) if (/^(ok|FAIL|skip) /.test(line)) console.log(`  ${line}`)
    const end = output.match(/(\d+) passed, (\d+) failed/)
    ok(end, output.slice(-400))
    counts = { passed: Number(end[1]), failed: Number(end[2]), skipped: (output.match(/^skip /gm) ?? []).length }
    ok(counts.passed > (isBusy ? 1 : 10), `only ${counts.passed} passed`)
  })
  if (counts) add(counts)
}
