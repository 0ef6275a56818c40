// Pull and push against a real registry (Debian's docker-registry): plain, with a password, with TLS of a private authority,
// and behind the shared front that checks Ed25519 signatures and redirects. Faults and hostile registries have files of their own.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Daemon, check, eq, eventually, ok, shared, skipNow, sleep } from './harness.mjs'
import { PASSWORD, Registry, USER, digestOf, digestOfFile, examineStore, hasRegistry, makeCertificates, noise, putModel, startFront, temporaryFolder } from './docker_registry.mjs'
import { FaultProxy } from './fault_proxy.mjs'
import { checkEvents, checkStored, manifestFile, pull, push } from './pulling.mjs'

const need = () => hasRegistry || skipNow('docker-registry, openssl or curl is not installed')
const certificates = hasRegistry ? makeCertificates() : null
const trusting = { HEARTH_CA_FILE: path.join(certificates ?? '', 'ca.crt') }
const models = (d) => path.join(d.folder, 'models')
const source = hasRegistry ? await Registry.start() : null // with models in it from the start
const tiny = hasRegistry ? putModel(source, 'library/tiny', 'latest', 3_000_000) : null
const tinyName = `${source?.host}/library/tiny:latest`

const kinds = {
  'plain http': { make: () => Registry.start(), insecure: true, environment: () => ({}) },
  'a password': { make: () => Registry.start({ basic: true }), insecure: true, environment: ({ host }) => ({ HEARTH_REGISTRY_AUTH: `${host}=basic:${USER}:${PASSWORD}` }) },
  'a private authority': { make: () => Registry.start({ certificates }), insecure: false, environment: () => trusting },
  'signed tokens and redirects': { make: () => shared('clients/regfront.mjs') ? startFront(certificates, { REDIRECT: 1 }) : skipNow('shared clients are absent'), insecure: false, environment: () => trusting },
}
for (const [kind, { make, insecure, environment }] of Object.entries(kinds)) {
  await check(`push, delete, pull back: ${kind}`, async () => {
    need()
    const target = await make(), name = `${target.host}/someone/pushed:v1`
    const d = await Daemon.start(environment(target))
    checkEvents(await pull(d, tinyName), { skips: ['removing unused layers'] })
    checkStored(models(d), tinyName, tiny)
    await d.call('POST', '/api/copy', { source: tinyName, destination: name })
    const { events, error } = await push(d, name, { insecure })
    ok(!error, error)
    eq([events[0].status, events.at(-1).status], ['retrieving manifest', 'success'])
    ok(events.some(({ status }) => status === 'pushing manifest'), 'pushing manifest')
    for (const { digest, size } of tiny.blobs) ok(events.some((event) => event.digest === digest && event.total === size && event.completed === size && event.status === `pushing ${digest.slice(7, 19)}`), digest)
    const registry = target.registry ?? target
    if (!target.front) { // curl reads what was pushed
      eq(registry.manifest('someone/pushed', 'v1').body.toString(), tiny.manifest)
      for (const { digest } of tiny.blobs) eq(digestOf(registry.curl(`/v2/someone/pushed/blobs/${digest}`).body), digest)
    }
    for (const model of [name, tinyName]) eq((await d.call('DELETE', '/api/delete', { model })).status, 200)
    eq(fs.readdirSync(path.join(models(d), 'blobs')), [])
    checkEvents(await pull(d, name, { insecure }), { skips: ['removing unused layers'] })
    checkStored(models(d), name, tiny)
    const again = await push(d, name, { insecure }) // everything is there
    eq([again.error, again.events.at(-1).status], [undefined, 'success'])
    if (target.front) {
      ok(target.front.log.includes('token ed25519-ok'), target.front.log.slice(-500))
      ok(!/ed25519-BAD|LEAK/.test(target.front.log) && target.front.log.includes('redirect'), target.front.log.slice(-500))
      const key = path.join(d.folder, '.hearth/id_ed25519')
      eq(fs.statSync(key).mode & 0o777, 0o600)
    }
    await d.stop()
    await target.stop()
  })
}

await check('who may not: no password, a wrong one, an authority nobody knows, http without leave', async () => {
  need()
  const secret = await Registry.start({ basic: true }), tls = await Registry.start({ certificates })
  putModel(secret, 'library/tiny', 'latest', 1000)
  const d = await Daemon.start({ HEARTH_REGISTRY_AUTH: `elsewhere.example=basic:${USER}:${PASSWORD}` })
  const wrong = await Daemon.start({ HEARTH_REGISTRY_AUTH: `${secret.host}=basic:${USER}:wrong` })
  for (const daemon of [d, wrong]) {
    const { error } = await pull(daemon, `${secret.host}/library/tiny`)
    ok(/unauthorized|name and a password/.test(error), error)
  }
  const untrusted = await pull(d, `${tls.host}/library/tiny`, { insecure: false })
  ok(/certificate/i.test(untrusted.error), untrusted.error)
  const plain = await pull(d, `http://${source.host}/library/tiny`, { insecure: false })
  ok(/insecure/.test(plain.error), plain.error)
  const missing = await pull(d, `${source.host}/library/none`)
  ok(/^pull model manifest: .*file does not exist/.test(missing.error), missing.error)
  const nothing = await push(d, `${source.host}/library/none`)
  ok(nothing.error, JSON.stringify(nothing.events))
  for (const model of ['', '../x', 'a/b/c/d/e', 'x:y:z', `${source.host}/../tiny`]) {
    for (const route of ['/api/pull', '/api/push']) eq((await d.call('POST', route, { model })).status, 400, `${route} ${model}`)
  }
  for (const daemon of [d, wrong]) { examineStore(models(daemon)); await daemon.stop() }
  await secret.stop()
  await tls.stop()
})

await check('pull and push without a stream, credentials in the request', async () => {
  need()
  const secret = await Registry.start({ basic: true })
  const d = await Daemon.start()
  eq(await d.post('/api/pull', { model: tinyName, insecure: true, stream: false }), { status: 'success' })
  await d.call('POST', '/api/copy', { source: tinyName, destination: `${secret.host}/library/mine` })
  eq(await d.post('/api/push', { name: `${secret.host}/library/mine`, insecure: true, stream: false, username: USER, password: PASSWORD }), { status: 'success' })
  eq(secret.manifest('library/mine').body.toString(), tiny.manifest)
  const answer = await d.call('POST', '/api/pull', { model: `${source.host}/library/none`, insecure: true, stream: false })
  ok(answer.status >= 400 && /file does not exist/.test(answer.json.error), answer.text)
  await d.stop()
  await secret.stop()
})

await check('blobs that two names or two pulls share are fetched once', async () => {
  need()
  const registry = await Registry.start()
  const model = putModel(registry, 'library/one', 'latest', 8_000_000, 5)
  putModel(registry, 'library/two', 'latest', 8_000_000, 5)
  const proxy = await FaultProxy.start(registry.base, { plan: () => null, bytesPerSecond: 8_000_000 })
  const d = await Daemon.start()
  const names = ['one', 'two', 'one'].map((name) => `${proxy.host}/library/${name}:latest`)
  for (const result of await Promise.all(names.map((name) => pull(d, name)))) checkEvents(result, { skips: ['removing unused layers'] })
  ok(proxy.bytes <= model.bytes * 1.01, `${proxy.bytes} bytes for ${model.bytes}`)
  for (const name of names) checkStored(models(d), name, model)
  const again = await pull(d, names[0])
  checkEvents(again, { skips: ['removing unused layers'] })
  ok(proxy.bytes <= model.bytes * 1.01, 'fetched again')
  await d.stop()
  await proxy.stop()
  await registry.stop()
})

await check('a pull that nobody watches stops, and goes on next time', async () => {
  need()
  const registry = await Registry.start()
  const model = putModel(registry, 'library/big', 'latest', 16_000_000, 6)
  const proxy = await FaultProxy.start(registry.base, { plan: () => null, bytesPerSecond: 8_000_000 })
  const d = await Daemon.start(), name = `${proxy.host}/library/big:latest`
  const stops = [new AbortController(), new AbortController()]
  const watching = stops.map((stop) => pull(d, name, { signal: stop.signal }).catch(() => null))
  await eventually(() => proxy.bytes > 2_000_000, 'it begins')
  stops[0].abort()
  const then = proxy.bytes
  await eventually(() => proxy.bytes > then + 2_000_000, 'the other goes on')
  stops[1].abort()
  await Promise.all(watching)
  await sleep(400)
  const stopped = proxy.bytes
  await sleep(400)
  ok(proxy.bytes === stopped && stopped < model.bytes, `${stopped} bytes, then ${proxy.bytes} of ${model.bytes}`)
  eq((await d.call('GET', '/api/tags')).json.models, [])
  checkEvents(await pull(d, name), { skips: ['removing unused layers'] })
  checkStored(models(d), name, model)
  ok(proxy.bytes <= model.bytes + 3_000_000, `${proxy.bytes} bytes for ${model.bytes}`)
  await d.stop()
  await proxy.stop()
  await registry.stop()
})

await check('a newer model of the same name replaces the older one', async () => {
  need()
  const registry = await Registry.start(), name = `${registry.host}/library/moving:latest`
  putModel(registry, 'library/moving', 'latest', 100_000, 7)
  const d = await Daemon.start()
  checkEvents(await pull(d, name))
  const newer = putModel(registry, 'library/moving', 'latest', 100_000, 8)
  const result = await pull(d, name)
  checkEvents(result)
  ok(result.events.some(({ status }) => status === 'removing unused layers'), 'removing unused layers')
  checkStored(models(d), name, newer)
  eq(fs.readdirSync(path.join(models(d), 'blobs')).length, new Set(newer.blobs.map(({ digest }) => digest)).size)
  await d.stop()
  await registry.stop()
})

await check('mirror, offline, limit, proxies', async () => {
  need()
  const mirrored = await Daemon.start({ HEARTH_MIRRORS: `models.example=${source.base}` })
  const result = await pull(mirrored, 'models.example/library/tiny', { insecure: false })
  checkEvents(result, { skips: ['removing unused layers'] })
  checkStored(models(mirrored), 'models.example/library/tiny', tiny)
  await mirrored.stop()

  const counting = await FaultProxy.start(source.base, { plan: () => null })
  const offline = await Daemon.start({ HEARTH_OFFLINE: '1' })
  for (const act of [pull, push]) {
    const { error } = await act(offline, `${counting.host}/library/tiny`)
    ok(/offline/i.test(error), error)
  }
  eq(counting.requests.length, 0)
  await offline.stop()

  // The lower of the daemon's limit and the request's holds; for a push too.
  for (const [environment, options] of [[{ HEARTH_LIMIT_RATE: '4M' }, {}], [{ HEARTH_LIMIT_RATE: '9M' }, { limit_rate: '4M' }]]) {
    const slow = await Daemon.start(environment), name = `${counting.host}/library/tiny:latest`
    const limited = await pull(slow, name, options)
    checkEvents(limited, { skips: ['removing unused layers'] })
    const destination = `${counting.host}/limited/to${Object.keys(options).length}`
    await slow.call('POST', '/api/copy', { source: name, destination })
    const back = await push(slow, destination, options)
    ok(!back.error, back.error)
    const expected = tiny.bytes / (4 << 20)
    for (const { ms } of [limited, back]) ok(ms / 1000 > expected * 0.85 - 0.1 && ms / 1000 < expected + 4, `${ms} ms, expected ${expected} s with ${JSON.stringify([environment, options])}`)
    await slow.stop()
  }

  // A forward proxy is asked for what is not in NO_PROXY.
  const proxied = await Daemon.start({ http_proxy: `http://${counting.host}`, NO_PROXY: source.host.split(':')[0] })
  counting.requests.length = 0
  checkEvents(await pull(proxied, tinyName), { skips: ['removing unused layers'] })
  eq(counting.requests.length, 0)
  const outside = await pull(proxied, 'models.example/library/tiny')
  checkEvents(outside, { skips: ['removing unused layers'] })
  ok(counting.requests.some(({ path }) => path.startsWith('http://models.example/v2/library/tiny/')), JSON.stringify(counting.requests[0]))
  await proxied.stop()
  await counting.stop()
})

// The official client, through the shared front with its faults and against a bare registry.
const modules = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'node_modules')
const fronts = { REDIRECT: { REDIRECT: 1 }, CUT: { REDIRECT: 1, CUT: 200000, CUTS: 3 }, FAIL503: { FAIL503: 3 }, STALL: { REDIRECT: 1, STALL: 1500 }, 'a bare registry': null }
for (const [kind, options] of Object.entries(fronts)) {
  if (process.env.LONG !== '1' && kind !== 'CUT') continue
  await check(`ollama-js.mjs pushes and pulls: ${kind}`, async () => {
    need()
    const model = shared('clients/models/scripted.gguf')
    if (!model) skipNow('shared clients are absent')
    if (!fs.existsSync(path.join(modules, 'ollama'))) skipNow('the npm package ollama is not installed')
    const target = options ? await startFront(certificates, options) : await Registry.start()
    const d = await Daemon.start({ ...(options ? trusting : {}), HEARTH_STALL_TIMEOUT: '3s' })
    await d.create('scripted', model)
    const folder = temporaryFolder('client')
    for (const file of ['ollama-js.mjs', 'h.mjs', 'package.json']) fs.copyFileSync(shared(`clients/${file}`), path.join(folder, file))
    fs.symlinkSync(modules, path.join(folder, 'node_modules'))
    const local = path.join(modules, '.bin/node'), node = fs.existsSync(local) && spawnSync(local, ['--version']).status === 0 ? local : process.execPath
    const name = `${target.host}/someone/scripted:latest`
    const child = spawn(node, ['ollama-js.mjs'], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, BASE_URL: d.base, MODEL: 'scripted', PUSH_MODEL: name, PULL_MODEL: name, INSECURE: options ? '0' : '1', ONLY: '\\.(push|pull)' } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text })
    await new Promise((done) => child.on('exit', done))
    ok(/^[45] passed, 0 failed/m.test(output), output.slice(-600) + (target.front?.log.slice(-300) ?? ''))
    if (target.front) ok(!/ed25519-BAD|LEAK/.test(target.front.log), target.front.log.slice(-300))
    examineStore(models(d))
    await d.stop()
    await target.stop()
  })
}
await check('a token that is not good is a clear refusal', async () => {
  need()
  if (!shared('clients/regfront.mjs')) skipNow('shared clients are absent')
  const others = makeCertificates() // its tokens are signed by somebody the registry does not know
  const folder = temporaryFolder('mixed')
  for (const file of ['srv.crt', 'srv.key']) fs.copyFileSync(path.join(certificates, file), path.join(folder, file))
  for (const file of ['token.crt', 'token.key']) fs.copyFileSync(path.join(others, file), path.join(folder, file))
  const target = await startFront(certificates, { CERTS: folder })
  const d = await Daemon.start(trusting)
  const { error, ms } = await pull(d, `${target.host}/someone/thing`, { insecure: false })
  ok(/unauthorized/.test(error) && ms < 10000, `${error} after ${ms} ms`)
  eq((target.front.log.match(/^token /gm) ?? []).length, 1)
  await d.stop()
  await target.stop()
})

await source?.stop()
