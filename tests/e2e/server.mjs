// The daemon under strain: slow loads, models that need each other's room, queues, runners that hang, clients that go.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, endless, eq, eventually, ok, shared, skipNow, starter } from './harness.mjs'

const models = { story: starter, scripted: shared('clients/models/scripted-jinja.gguf'), think: shared('clients/models/scripted-think.gguf') }
const need = () => (Object.values(models).every(Boolean) ? models : skipNow('shared data is absent'))
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-server-'))

// A runner that takes its time to start, as a large model does.
function slowRunner(seconds) {
  const file = path.join(folder, `slow-${seconds}`)
  fs.writeFileSync(file, `#!/bin/sh\n/bin/sleep ${seconds}\nexec '${path.join(BIN, 'hearth-runner')}' "$@"\n`, { mode: 0o755 })
  return { HEARTH_RUNNER: file }
}
async function withDaemon(settings, names, test) {
  const files = need()
  const d = await Daemon.start(settings)
  for (const name of names) await d.create(name, files[name])
  try { await test(d) } finally { if (d.process.exitCode === null) eq((await d.stop()).code, 0, 'exit code') }
}
const loads = (d) => (d.log.match(/ is loaded: /g) ?? []).length
const body = (model, more = {}) => ({ model, prompt: 'Once upon a time', stream: false, options: { num_predict: 3, ...more } })
const long = { num_predict: 480 }

await check('server: the head of a stream comes within a second of waiting, and ps shows the load', async () => {
  await withDaemon(slowRunner(3), ['story'], async (d) => {
    for (const [route, request] of [['/api/generate', { ...body('story'), stream: true }], ['/v1/chat/completions', { model: 'story', stream: true, max_tokens: 3, messages: [{ role: 'user', content: 'x' }] }]]) {
      const start = Date.now()
      const response = await d.fetch('POST', route, request)
      ok(Date.now() - start < 2500, `${route}: head after ${Date.now() - start} ms`)
      eq(response.status, 200)
      const [row] = await d.ps()
      ok(typeof row.load_progress === 'number' && row.load_progress < 1, JSON.stringify(row))
      ok(/"done":true|\[DONE\]/.test(await response.text()), 'complete')
      await d.post('/api/generate', { model: 'story', keep_alive: 0 })
      await eventually(async () => (await d.ps()).length === 0, 'unloaded')
    }
    eq(loads(d), 2)
  })
})
await check('server: whoever waits long gets something that is no content', async () => {
  await withDaemon({ HEARTH_HEARTBEAT: '200ms', ...slowRunner(1.5) }, ['story'], async (d) => {
    const requests = [['/api/generate', { ...body('story'), stream: true }], ['/api/generate', body('story')], ['/v1/chat/completions', { model: 'story', stream: true, max_tokens: 3, messages: [{ role: 'user', content: 'x' }] }]]
    const texts = await Promise.all(requests.map(async ([route, request]) => (await d.fetch('POST', route, request)).text()))
    for (const text of texts.slice(0, 2)) {
      ok(/^ {2,}\{/.test(text) && !/^ *\n/m.test(text), JSON.stringify(text.slice(0, 80)))
      for (const line of text.trimEnd().split('\n')) JSON.parse(line)
    }
    ok(/^: waiting\n\n/.test(texts[2]) && texts[2].endsWith('data: [DONE]\n\n'), texts[2].slice(0, 80))
  })
})
await check('server: a failing load is an error line in a stream and a status in a whole answer', async () => {
  await withDaemon({ HEARTH_RUNNER: '/bin/false' }, ['story'], async (d) => {
    const whole = await d.call('POST', '/api/generate', body('story'))
    eq(whole.status, 500, whole.text)
    ok(/runner/.test(whole.json.error), whole.text)
  })
  await withDaemon({ HEARTH_RUNNER: path.join(folder, 'absent') }, ['story'], async (d) => {
    const whole = await d.call('POST', '/api/generate', body('story'))
    ok(whole.status === 500 && /absent/.test(whole.json.error), whole.text)
  })
  const late = path.join(folder, 'late')
  fs.writeFileSync(late, '#!/bin/sh\n/bin/sleep 2\nexit 3\n', { mode: 0o755 })
  await withDaemon({ HEARTH_RUNNER: late }, ['story'], async (d) => {
    const lines = []
    for await (const line of d.lines('/api/generate', { ...body('story'), stream: true })) lines.push(line)
    ok(lines.length === 1 && /exit code 3/.test(lines[0].error), JSON.stringify(lines))
    await eventually(() => d.requests().some((line) => /exit code 3/.test(line.error ?? '')), 'in the log')
  })
})
await check('server: three models at once with room for one are loaded three times, and all are answered', async () => {
  await withDaemon({ HEARTH_MAX_LOADED_MODELS: '1', ...slowRunner(0.3) }, ['story', 'scripted', 'think'], async (d) => {
    const names = ['story', 'scripted', 'think', 'story', 'scripted', 'think', 'story', 'scripted', 'think']
    const answers = await Promise.all(names.map((name) => d.post('/api/generate', body(name))))
    ok(answers.every((answer) => answer.done), 'all done')
    eq(loads(d), 3, d.log)
  })
})
await check('server: another num_ctx loads nothing again', async () => {
  await withDaemon({}, ['story'], async (d) => {
    for (const num_ctx of [512, 64, 300, 100000]) await d.post('/api/generate', body('story', { num_ctx }))
    eq(loads(d), 1)
  })
})
await check('server: the model used longest ago makes room, one kept for ever last', async () => {
  await withDaemon({ HEARTH_MAX_LOADED_MODELS: '2' }, ['story', 'scripted', 'think'], async (d) => {
    const names = async () => (await d.ps()).map((row) => row.name.split(':')[0]).sort().join()
    await d.post('/api/generate', { model: 'story', keep_alive: -1 })
    await d.post('/api/generate', body('scripted'))
    await d.post('/api/generate', body('think'))
    eq(await names(), 'story,think')
    await d.post('/api/generate', { model: 'story', keep_alive: '5m' })
    await d.post('/api/generate', body('scripted'))
    eq(await names(), 'scripted,story')
  })
})
await check('server: one more than may wait is told at once to come back', async () => {
  await withDaemon({ HEARTH_MAX_QUEUE: '1', ...slowRunner(1) }, ['story'], async (d) => {
    const first = d.call('POST', '/api/generate', body('story'))
    await eventually(async () => (await d.ps()).length === 1, 'loading')
    const start = Date.now()
    const second = await d.call('POST', '/api/generate', body('story'))
    const took = Date.now() - start
    eq([second.status, second.headers.get('retry-after'), /busy/.test(second.json.error)], [503, '1', true], second.text)
    ok(took < 500, `${took} ms`)
    eq((await first).status, 200)
  })
})
await check('server: unloading ends answers and loads within two seconds', async () => {
  await withDaemon(slowRunner(1), ['story'], async (d) => {
    await d.post('/api/generate', { model: 'story' })
    const lines = []
    const stream = (async () => { for await (const line of d.lines('/api/generate', { ...body('story', long), format: endless, stream: true })) lines.push(line) })()
    await eventually(() => lines.length > 0, 'answering')
    const start = Date.now()
    eq((await d.post('/api/generate', { model: 'story', keep_alive: 0 })).done_reason, 'unload')
    await eventually(async () => (await d.ps()).length === 0 && d.runners().length === 0, 'gone')
    ok(Date.now() - start < 2500, `${Date.now() - start} ms`)
    await stream
    ok(/unloaded/.test(lines.at(-1).error ?? '') || lines.at(-1).done, JSON.stringify(lines.at(-1)))
    const loading = d.call('POST', '/api/generate', body('story'))
    await eventually(async () => (await d.ps())[0]?.load_progress !== undefined, 'loading')
    await d.post('/api/generate', { model: 'story', keep_alive: 0 })
    const answer = await loading
    ok(answer.status === 503 && /unloaded/.test(answer.json.error), answer.text)
  })
})
await check('server: a client that goes while its model loads takes the load along', async () => {
  await withDaemon(slowRunner(2), ['story'], async (d) => {
    const abort = new AbortController()
    const gone = d.call('POST', '/api/generate', body('story'), { signal: abort.signal }).catch(() => 'gone')
    await eventually(async () => (await d.ps()).length === 1, 'loading')
    abort.abort()
    eq(await gone, 'gone')
    await eventually(async () => (await d.ps()).length === 0, 'given up')
    await eventually(() => d.requests().some((line) => line.status === 499 && line.path === '/api/generate'), 'logged as 499')
    eq(loads(d), 0)
  })
})
await check('server: a runner that hangs keeps nobody else waiting', async () => {
  await withDaemon({}, ['story', 'scripted'], async (d) => {
    await d.post('/api/generate', { model: 'story', keep_alive: '5m' })
    const [runner] = d.runners()
    process.kill(runner, 'SIGSTOP')
    const aborts = Array.from({ length: 12 }, () => new AbortController())
    const prompt = 'word '.repeat(100000)
    const asked = aborts.map((abort) => d.call('POST', '/api/generate', { ...body('story'), prompt, truncate: true }, { signal: abort.signal }).catch(() => 'gone'))
    const start = Date.now()
    for (let i = 0; i < 3; i++) eq((await d.ps())[0].name, 'story:latest')
    eq((await d.call('GET', '/api/tags')).status, 200)
    ok(Date.now() - start < 10000, `${Date.now() - start} ms`)
    for (const abort of aborts) abort.abort()
    await Promise.all(asked)
    process.kill(runner, 'SIGCONT')
    eq((await d.post('/api/generate', body('story'))).done, true)
    await d.post('/api/generate', body('scripted'))
  })
})
await check('server: the log says what was chosen, and one line per request without what was said', async () => {
  await withDaemon({}, ['story'], async (d) => {
    await d.post('/api/generate', { ...body('story'), prompt: 'a secret garden', system: 'whisper' })
    await d.call('POST', '/api/generate', { ...body('story'), options: { temperature: 'secret' } })
    ok(/hearthd \d.* listens on/.test(d.log) && /open to this computer, without a key/.test(d.log), d.log)
    const line = d.requests().find((entry) => entry.path === '/api/generate' && entry.status === 200)
    ok(line.id && line.model === 'story' && line.prompt_tokens > 0 && line.generated_tokens === 3 && line.load_ms > 0 && line.ms >= line.load_ms, JSON.stringify(line))
    ok(!/secret|whisper/.test(d.log), 'the log quotes what was sent')
  })
})
fs.rmSync(folder, { recursive: true, force: true })
