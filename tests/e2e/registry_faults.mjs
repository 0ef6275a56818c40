// Pulls through the fault proxy, killed, with a flipped byte, on a full disk; and how fast and how large they are. A short part
// runs daily. LONG=1 runs all of it (200 seeds, 20 kills of a pull of 1 GB, throughput and memory; best with the release build,
// some 15 minutes); RUNS, KILLS, BYTES and SEED choose more, and the same again.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Daemon, check, eq, eventually, ok, skipNow, sleep } from './harness.mjs'
import { Registry, examineStore, hasRegistry, putModel, removeFolder, temporaryFolder } from './docker_registry.mjs'
import { FaultProxy, blobFaults } from './fault_proxy.mjs'
import { checkEvents, checkStored, manifestFile, peakBytes, pull, push } from './pulling.mjs'

const LONG = process.env.LONG === '1'
const RUNS = Number(process.env.RUNS ?? (LONG ? 200 : 1))
const KILLS = Number(process.env.KILLS ?? (LONG ? 20 : 2))
const BYTES = Number(process.env.BYTES ?? (LONG ? 1_000_000_000 : 16_000_000))
const SEED = Number(process.env.SEED ?? Date.now() % 1000000)
const need = () => hasRegistry || skipNow('docker-registry, openssl or curl is not installed')
const skips = { skips: ['removing unused layers'] }
const models = (d) => path.join(d.folder, 'models')
const STALL_MS = LONG ? 2000 : 1000
const impatient = { HEARTH_STALL_TIMEOUT: `${STALL_MS}ms` }

// The longest that a pull may take beyond its work: every fault waited out, one after another.
const HANG_MS = 90_000

async function faultRun(registry, model, d, seed, totals) {
  const proxy = await FaultProxy.start(registry.base, { seed, stallMs: 3 * STALL_MS, digests: seed % 2 === 0 })
  const name = `${proxy.host}/library/model:latest`
  const result = await pull(d, name)
  ok(result.ms < HANG_MS, `seed ${seed}: ${result.ms} ms`)
  totals.ms = Math.max(totals.ms, result.ms)
  for (const { fault } of proxy.requests) if (fault) totals.faults[fault] = (totals.faults[fault] ?? 0) + 1
  if (result.error) {
    totals.errors.push(`seed ${seed}: ${result.error}`)
    examineStore(models(d), { allowsPartials: true })
    proxy.plan = () => null
    const again = await pull(d, name)
    ok(!again.error, `seed ${seed}, after ${result.error}: ${again.error}`)
  } else checkEvents(result, skips)
  checkStored(models(d), name, model)
  eq(proxy.leaks, [], `seed ${seed}: credentials`)
  if (seed % 4 === 0) { // and back, through the faults of another seed
    await d.call('POST', '/api/copy', { source: name, destination: `${proxy.host}/pushed/m${seed}` })
    proxy.seed = -seed
    proxy.counts.clear()
    const { error } = await push(d, `${proxy.host}/pushed/m${seed}`)
    ok(!error, `push, seed ${seed}: ${error}`)
    eq(registry.manifest(`pushed/m${seed}`).body.toString(), model.manifest)
    await d.call('DELETE', '/api/delete', { model: `${proxy.host}/pushed/m${seed}` })
  }
  eq((await d.call('DELETE', '/api/delete', { model: name })).status, 200)
  await proxy.stop()
}
await check(`${RUNS} pulls through faults (SEED=${SEED})`, async () => {
  need()
  const registry = await Registry.start()
  const model = putModel(registry, 'library/model', 'latest', 6_000_000, 11)
  const totals = { ms: 0, errors: [], faults: {} }
  let next = 0
  const worker = async () => {
    const d = await Daemon.start(impatient)
    while (next < RUNS) await faultRun(registry, model, d, SEED + next++, totals)
    await d.stop()
  }
  await Promise.all(Array.from({ length: 3 }, worker))
  console.log(`# ${RUNS} runs, ${Object.values(totals.faults).reduce((a, b) => a + b, 0)} faults ${JSON.stringify(totals.faults)}, longest ${totals.ms} ms, ${totals.errors.length} ended with an error: ${totals.errors.slice(0, 5).join(' | ')}`)
  ok(totals.errors.length <= RUNS / 10, `${totals.errors.length} of ${RUNS} ended with an error: ${totals.errors[0]}`)
  await registry.stop()
})
await check('every fault alone', async () => {
  need()
  const registry = await Registry.start()
  const d = await Daemon.start(impatient)
  const trial = [...blobFaults.keys()].map((i) => putModel(registry, `library/model${i}`, 'latest', 400_000, 20 + 2 * i)) // no blob twice
  await Promise.all(blobFaults.map(async (fault, i) => {
    const first = trial[i].blobs[0].digest
    const proxy = await FaultProxy.start(registry.base, { seed: SEED, stallMs: 2 * STALL_MS, plan: ({ method, digest, count }) => method === 'GET' && digest === first && count === 0 ? fault : null })
    const name = `${proxy.host}/library/model${i}:latest`, result = await pull(d, name)
    ok(!result.error, `${fault}: ${result.error}`)
    ok(proxy.requests.some((request) => request.fault === fault), `${fault} did not happen`)
    checkEvents(result, skips)
    eq(fs.readFileSync(manifestFile(models(d), name), 'utf8'), trial[i].manifest, fault)
    eq(proxy.leaks, [], fault)
    await proxy.stop()
  }))
  examineStore(models(d))
  await d.stop()
  await registry.stop()
})

// Over a slow line, and over a quick one with a limit of our own: then what the kernels hold ready is lost.
for (const limited of [false, true]) await check(`killed ${KILLS} times during a pull of ${BYTES} bytes${limited ? ', limited by ourselves' : ''}`, async () => {
  need()
  const registry = await Registry.start()
  const model = putModel(registry, 'library/big', 'latest', BYTES, 13)
  const seconds = LONG ? 30 : 2 // slow enough that what is counted is what has arrived
  const rate = Math.round(BYTES / seconds)
  const proxy = await FaultProxy.start(registry.base, { plan: () => null, bytesPerSecond: limited ? 0 : rate })
  const store = temporaryFolder('store'), name = `${proxy.host}/library/big:latest`
  const start = () => Daemon.start({ HEARTH_MODELS: store, HEARTH_LIMIT_RATE: limited ? String(rate) : '0' })
  let neverSent = 0 // when a daemon was killed
  for (let i = 0; i < KILLS; ++i) {
    const d = await start(), until = model.bytes * (i + Math.random()) / (KILLS + 1)
    const end = pull(d, name).catch(() => null)
    await eventually(() => proxy.bytes - neverSent >= until, `${until} bytes`, 120000)
    neverSent += proxy.bytes - proxy.sentBytes()
    await d.stop('SIGKILL')
    await end
  }
  const d = await start()
  checkEvents(await pull(d, name), skips)
  checkStored(store, name, model)
  const ratio = (proxy.bytes - neverSent) / model.bytes
  console.log(`# ${KILLS} kills${limited ? ' with a limit' : ''}: ${proxy.bytes - neverSent} bytes fetched for ${model.bytes}, ${ratio.toFixed(4)}x (${neverSent} more were made ready and never sent)`)
  ok(ratio <= (LONG ? 1.02 : 1 + KILLS * 0.06), `${ratio}x`)
  await d.stop()
  removeFolder(store)
  await proxy.stop()
  await registry.stop()
})

for (const digests of [true, false]) {
  await check(`one flipped byte in ${BYTES} bytes, ranges ${digests ? 'with' : 'without'} digests`, async () => {
    need()
    const registry = await Registry.start()
    const model = putModel(registry, 'library/big', 'latest', BYTES, 14)
    let flips = 0
    const proxy = await FaultProxy.start(registry.base, { seed: SEED, digests, plan: ({ kind, method, digest }) => method === 'GET' && kind === 'blob' && digest === model.blobs[0].digest && flips++ === 0 ? 'flip' : null })
    const d = await Daemon.start()
    const name = `${proxy.host}/library/big:latest`, result = await pull(d, name)
    const more = proxy.bytes - model.bytes
    console.log(`# flipped byte, digests ${digests}: ${more} bytes more than ${model.bytes}${result.error ? ', ' + result.error : ''}`)
    ok(!result.error, result.error)
    checkEvents(result, skips)
    checkStored(models(d), name, model)
    ok(flips > 1 && more > 0 && more <= (digests ? 64 << 20 : model.bytes * 1.01 + (1 << 20)), `${more} bytes more`)
    await d.stop()
    await proxy.stop()
    await registry.stop()
  })
}

await check('a disk that is full', async () => {
  need()
  const disk = temporaryFolder('disk'), mib = 1 << 20
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]).status !== 0) skipNow('mounting a tmpfs is not allowed here')
  const registry = await Registry.start()
  try {
    const model = putModel(registry, 'library/big', 'latest', 30 * mib, 15)
    const proxy = await FaultProxy.start(registry.base, { plan: () => null, bytesPerSecond: 12 * mib })
    const d = await Daemon.start({ HEARTH_MODELS: path.join(disk, 'models') }), name = `${proxy.host}/library/big:latest`
    const filler = path.join(disk, 'filler')
    fs.writeFileSync(filler, Buffer.alloc(18 * mib)) // 30 are left: not the 5 % more that are asked for
    const refused = await pull(d, name)
    ok(/space|disk/.test(refused.error), refused.error)
    eq(proxy.bytes, 0)
    fs.rmSync(filler)
    const running = pull(d, name)
    await eventually(() => proxy.bytes > 8 * mib, 'it begins')
    const fill = () => { try { fs.appendFileSync(filler, Buffer.alloc(mib)); return true } catch { return false } }
    while (fill());
    const full = await running
    const reached = proxy.bytes
    if (full.error) { // otherwise the space had been taken at the start
      ok(/space|disk is full|no room/i.test(full.error), full.error)
      examineStore(path.join(disk, 'models'), { allowsPartials: true })
      eq((await d.call('GET', '/api/tags')).status, 200)
      fs.rmSync(filler)
      checkEvents(await pull(d, name), skips)
    }
    console.log(`# full disk: ${refused.error} | ${full.error} | ${reached} bytes then, ${proxy.bytes} in all for ${model.bytes}`)
    checkStored(path.join(disk, 'models'), name, model)
    ok(proxy.bytes <= model.bytes + 4 * mib, `${proxy.bytes} bytes for ${model.bytes}`)
    await d.stop()
    await proxy.stop()
  } finally {
    spawnSync('umount', ['-l', disk])
    await registry.stop()
  }
})

await check('as fast as curl and sha256sum, in little memory', async () => {
  need()
  if (!LONG) skipNow('only with LONG=1')
  const registry = await Registry.start(), ratios = []
  const model = putModel(registry, 'library/big', 'latest', BYTES, 16), name = `${registry.host}/library/big:latest`
  const d = await Daemon.start()
  const url = `${registry.base}/v2/library/big/blobs/${model.blobs[0].digest}`
  const run = (command) => { const start = performance.now(); eq(spawnSync('bash', ['-c', `set -o pipefail; ${command}`]).status, 0, command); return performance.now() - start }
  const times = { curl: [], file: [], pull: [] }
  for (let i = 0; i < 5; ++i) {
    times.curl.push(run(`curl -sS ${url} | sha256sum`))
    times.file.push(run(`curl -sS ${url} | tee ${registry.folder}/copy | sha256sum; sync ${registry.folder}/copy; rm ${registry.folder}/copy`))
    const result = await pull(d, name)
    checkEvents(result, skips)
    times.pull.push(result.ms)
    await d.call('DELETE', '/api/delete', { model: name })
    await sleep(200)
  }
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]
  const peak = peakBytes(d.process.pid)
  const speed = (kind) => `${kind} ${(BYTES / 1e3 / median(times[kind])).toFixed(0)} MB/s`
  console.log(`# ${speed('curl')}, ${speed('file')} (to a file too), ${speed('pull')}: ${(median(times.curl) / median(times.pull)).toFixed(2)}x and ${(median(times.file) / median(times.pull)).toFixed(2)}x, peak ${(peak / (1 << 20)).toFixed(0)} MiB`)
  ok(median(times.curl) / median(times.pull) >= 0.8, JSON.stringify(times))
  ok(peak < 100 << 20, `${peak} bytes`)
  await d.stop()
  await registry.stop()
})
