// The daemon is killed at random moments of create, copy and delete. After each start what was confirmed is there, what
// was under way is there as a whole or not at all, and every blob is what its name says. KILLS and SEED choose more and
// the same again; the daily run kills a dozen times.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Daemon, check, eq, ok, shared, skipNow, sleep } from './harness.mjs'

const KILLS = Number(process.env.KILLS ?? 12)
const SEED = Number(process.env.SEED ?? Date.now() % 1000000)
const f32 = shared('data/models/stories260K/stories260K-f32.gguf')
const f16 = shared('data/models/stories260K/stories260K-f16.gguf')

let state = SEED
const random = (below) => { // xorshift: the same seed, the same choices
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5
  return (state >>> 0) % below
}

// What the names may stand for: the system text of a model, or null for no model. Several while nobody knows.
const allowed = new Map([['base', ['base']]])
const text = (name) => `${name} ${random(1e9)} `.repeat(500)

async function act(d, name) {
  const before = allowed.get(name) ?? [null]
  const attempt = async (after, method, route, body, good = [200]) => {
    allowed.set(name, [...before, after])
    const answer = await d.call(method, route, body)
    ok(good.includes(answer.status), `${route} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`)
    ok(answer.json?.error === undefined, answer.text)
    allowed.set(name, [after])
  }
  const choice = random(9)
  if (before[0] !== null && choice < 3) return attempt(null, 'DELETE', '/api/delete', { model: name })
  if (choice < 5) return attempt('base', 'POST', '/api/copy', { source: 'base', destination: name })
  const system = text(name)
  const body = { model: name, system, stream: false }
  if (choice < 7) return attempt(system, 'POST', '/api/create', { ...body, from: 'base' })
  if (choice === 7) return attempt(system, 'POST', '/api/create', { ...body, files: { 'a.gguf': await d.upload(f16) } })
  return attempt(system, 'POST', '/api/create', { ...body, from: 'base', quantize: 'q8_0' })
}

async function work(d, name) {
  while (!d.isKilled) {
    try { await act(d, name) } catch (error) {
      if (!d.isKilled || /: (4|5)\d\d /.test(error.message)) throw error
    }
  }
}

const isUnfinished = (file) => file.startsWith('hearth-tmp-')
async function examine(d, models) {
  const listed = (await d.call('GET', '/api/tags')).json.models.map(({ name }) => name.replace(/:latest$/, ''))
  for (const name of listed) ok(allowed.has(name), `${name} is listed and nobody made it`)
  for (const [name, values] of allowed) {
    const found = listed.includes(name) ? (await d.post('/api/show', { model: name })).system : null
    ok(values.includes(found), `${name}: found ${String(found).slice(0, 40)}, expected one of ${values.map((value) => String(value).slice(0, 40)).join(' | ')}`)
    allowed.set(name, [found])
  }
  ok(!/left out of the list|stay where they are/.test(d.log), d.log)
  for (const file of fs.readdirSync(path.join(models, 'blobs'))) {
    if (isUnfinished(file)) continue // perhaps a runner's that is ending: the start after this one removes it
    const bytes = fs.readFileSync(path.join(models, 'blobs', file))
    eq(file, 'sha256-' + createHash('sha256').update(bytes).digest('hex'))
  }
  const manifests = fs.readdirSync(path.join(models, 'manifests'), { recursive: true }).map(String)
  ok(!manifests.some((file) => path.basename(file).startsWith('.')), manifests.join())
}

await check(`killed ${KILLS} times while models are made, copied and deleted (SEED=${SEED})`, async () => {
  if (!f32) skipNow('shared data is absent')
  const models = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-durability-'))
  const start = () => Daemon.start({ HEARTH_MODELS: models })
  let d = await start()
  await d.create('base', f32, { system: 'base' })
  for (let i = 0; i < KILLS; ++i) {
    const workers = ['a', 'b', 'c', 'd'].map((name) => work(d, name))
    const all = Promise.all(workers)
    await Promise.race([sleep(random(400)), all])
    d.isKilled = true
    await d.stop('SIGKILL')
    await all
    d = await start()
    await examine(d, models)
  }
  await d.stop()
  await sleep(200)
  d = await start()
  eq(fs.readdirSync(path.join(models, 'blobs')).filter(isUnfinished), [])
  await d.stop()
  fs.rmSync(models, { recursive: true, force: true })
})
