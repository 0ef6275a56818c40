// Ways to a registry: through a proxy that only connects (CONNECT), over HTTP/2, and uploads that the registry sends to
// another host. All before a real registry, but for the last, which no free registry does.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import path from 'node:path'
import { Daemon, check, eq, ok, skipNow } from './harness.mjs'
import { Registry, hasRegistry, makeCertificates, putModel } from './docker_registry.mjs'
import { checkEvents, checkStored, pull, push } from './pulling.mjs'

const LONG = process.env.LONG === '1'
const need = () => hasRegistry || skipNow('docker-registry, openssl or curl is not installed')
const skips = { skips: ['removing unused layers'] }
const models = (d) => path.join(d.folder, 'models')
const certificates = hasRegistry ? makeCertificates() : null
const trusting = { HEARTH_CA_FILE: path.join(certificates ?? '', 'ca.crt') }
const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)))

// Knows one user, opens tunnels for them, and remembers where to.
class ConnectProxy {
  asked = []
  refused = 0
  sockets = new Set()
  static async start(user, password) {
    const proxy = new ConnectProxy()
    const expected = 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64')
    proxy.server = http.createServer((q, r) => r.writeHead(405).end())
    proxy.server.on('connect', (q, socket) => {
      proxy.sockets.add(socket)
      socket.on('error', () => {})
      if (q.headers['proxy-authorization'] !== expected) {
        ++proxy.refused
        return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n')
      }
      proxy.asked.push(q.url)
      const [host, port] = q.url.split(':')
      const there = net.connect(Number(port), host, () => { socket.write('HTTP/1.1 200 Connection established\r\n\r\n'); there.pipe(socket).pipe(there) })
      there.on('error', () => socket.destroy())
    })
    proxy.port = await listening(proxy.server)
    return proxy
  }
  async stop() {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((done) => this.server.close(done))
  }
}
await check('https through a proxy that connects: with its password, without it, and not for NO_PROXY', async () => {
  need()
  const registry = await Registry.start({ certificates }), proxy = await ConnectProxy.start('me', 'p:w/d')
  const model = putModel(registry, 'library/tiny', 'latest', 2_000_000, 31), name = `${registry.host}/library/tiny:latest`
  const tunnel = (credentials) => `http://${credentials}127.0.0.1:${proxy.port}`
  const d = await Daemon.start({ ...trusting, HTTPS_PROXY: tunnel('me:p%3Aw%2Fd@') })
  checkEvents(await pull(d, name, { insecure: false }), skips)
  checkStored(models(d), name, model)
  ok(proxy.asked.length > 0 && proxy.asked.every((place) => place === registry.host), JSON.stringify(proxy.asked))
  await d.call('POST', '/api/copy', { source: name, destination: `${registry.host}/library/back` })
  const { error } = await push(d, `${registry.host}/library/back`, { insecure: false })
  ok(!error, error)
  eq(registry.manifest('library/back').body.toString(), model.manifest)
  ok(!d.log.includes('p%3Aw') && !d.log.includes('p:w/d'), 'the password is in the log')
  await d.stop()

  const stranger = await Daemon.start({ ...trusting, https_proxy: tunnel('') })
  const refused = await pull(stranger, name, { insecure: false })
  ok(/407|proxy/i.test(refused.error) && proxy.refused > 0, refused.error)
  await stranger.stop()

  const tunnels = proxy.asked.length
  const direct = await Daemon.start({ ...trusting, HTTPS_PROXY: tunnel('me:p%3Aw%2Fd@'), NO_PROXY: 'elsewhere.example,127.0.0.0/8' })
  checkEvents(await pull(direct, name, { insecure: false }), skips)
  eq(proxy.asked.length, tunnels)
  await direct.stop()
  await proxy.stop()
  await registry.stop()
})

await check('HTTP/2 where it is offered, with ranges side by side', async () => {
  need()
  const registry = await Registry.start(), seen = { versions: new Set(), ranges: 0, atOnce: 0, most: 0 }
  const own = ['connection', 'keep-alive', 'transfer-encoding', 'host', ':method', ':path', ':scheme', ':authority']
  const without = (headers) => Object.fromEntries(Object.entries(headers).filter(([key]) => !own.includes(key)))
  const server = http2.createSecureServer({ allowHTTP1: true, cert: fs.readFileSync(path.join(certificates, 'srv.crt')), key: fs.readFileSync(path.join(certificates, 'srv.key')) }, (q, r) => {
    const isRange = q.method === 'GET' && q.headers.range !== undefined
    seen.versions.add(q.httpVersion)
    if (isRange) { ++seen.ranges; seen.most = Math.max(seen.most, ++seen.atOnce) }
    r.on('close', () => { if (isRange) --seen.atOnce })
    const up = http.request({ host: '127.0.0.1', port: registry.port, method: q.method, path: q.url, headers: { ...without(q.headers), host: q.headers[':authority'] ?? q.headers.host, 'x-forwarded-proto': 'https' } }, (a) => {
      r.writeHead(a.statusCode, without(a.headers))
      a.pipe(r)
    })
    up.on('error', () => r.destroy?.())
    q.pipe(up)
  })
  const sessions = new Set()
  server.on('session', (session) => sessions.add(session))
  const host = `127.0.0.1:${await listening(server)}`
  const model = putModel(registry, 'library/two', 'latest', LONG ? 200_000_000 : 12_000_000, 32), name = `${host}/library/two:latest`
  const d = await Daemon.start(trusting)
  checkEvents(await pull(d, name, { insecure: false }), skips)
  checkStored(models(d), name, model)
  await d.call('POST', '/api/copy', { source: name, destination: `${host}/library/back` })
  const { error } = await push(d, `${host}/library/back`, { insecure: false })
  ok(!error, error)
  eq(registry.manifest('library/back').body.toString(), model.manifest)
  eq([...seen.versions], ['2.0'])
  ok(seen.ranges >= 8 && seen.most > 1 && seen.most <= 5, JSON.stringify({ ...seen, versions: undefined }))
  console.log(`# HTTP/2: ${seen.ranges} ranges, at most ${seen.most} at once, ${sessions.size} connections`)
  await d.stop()
  for (const session of sessions) session.destroy()
  await new Promise((done) => server.close(done))
  await registry.stop()
})

// As registry.ollama.ai takes uploads: it answers every part with 307, where to send it and where to go on, and is told the
// MD5 of the MD5s of the parts at the end. What was sent is put together here.
class DirectRegistry {
  parts = new Map()
  manifests = new Map()
  blobs = new Map()
  leaks = []
  patches = 0
  failures = 1 // so many parts get a 503 at the other host first
  static async start() {
    const registry = new DirectRegistry()
    registry.other = http.createServer((q, r) => registry.take(q, r))
    registry.otherPort = await listening(registry.other)
    registry.server = http.createServer((q, r) => registry.answer(q, r))
    registry.host = `127.0.0.1:${await listening(registry.server)}`
    return registry
  }
  async take(q, r) {
    if (q.headers.authorization) this.leaks.push(q.headers.authorization)
    const hash = createHash('md5'), kept = []
    for await (const bytes of q) { hash.update(bytes); kept.push(bytes) }
    if (this.failures-- > 0) return r.writeHead(503).end()
    this.parts.set(q.url, { md5: hash.digest(), bytes: Buffer.concat(kept) })
    r.writeHead(200).end()
  }
  async answer(q, r) {
    const url = new URL(q.url, `http://${this.host}`)
    if (!q.headers.authorization) return r.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    if (q.method === 'PATCH') {
      const [first] = q.headers['content-range'].split('-').map(Number)
      ++this.patches
      q.resume()
      return r.writeHead(307, { location: `http://localhost:${this.otherPort}/part/${first}?n=${this.patches}`, 'docker-upload-location': `${url.pathname}?at=${this.patches}`, 'content-length': 0, connection: 'close' }).end()
    }
    const body = Buffer.concat(await q.toArray())
    if (q.method === 'HEAD') return r.writeHead(this.blobs.has(url.pathname.split('/').at(-1)) ? 200 : 404).end()
    if (q.method === 'POST') { this.parts.clear(); return r.writeHead(202, { location: `${url.pathname}session?at=0` }).end() }
    if (q.method === 'PUT' && url.pathname.includes('/manifests/')) { this.manifests.set(url.pathname, body.toString()); return r.writeHead(201).end() }
    if (q.method !== 'PUT') return r.writeHead(204, { location: url.pathname }).end()
    const parts = [...this.parts].sort(([a], [b]) => Number(/part\/(\d+)/.exec(a)[1]) - Number(/part\/(\d+)/.exec(b)[1])).map(([, part]) => part)
    const etag = `${createHash('md5').update(Buffer.concat(parts.map(({ md5 }) => md5))).digest('hex')}-${parts.length}`
    const hash = createHash('sha256')
    for (const { bytes } of parts) hash.update(bytes)
    const digest = `sha256:${hash.digest('hex')}`
    if (url.searchParams.get('etag') !== etag || url.searchParams.get('digest') !== digest) return r.writeHead(400).end(`${etag} ${digest} of ${parts.length} parts`)
    this.blobs.set(digest, parts.length)
    r.writeHead(201).end()
  }
  async stop() {
    for (const server of [this.server, this.other]) { server.closeAllConnections?.(); await new Promise((done) => server.close(done)) }
  }
}
await check('uploads that the registry sends to another host', async () => {
  need()
  const registry = await Registry.start(), direct = await DirectRegistry.start()
  const model = putModel(registry, 'library/tiny', 'latest', LONG ? 250_000_000 : 2_000_000, 33), source = `${registry.host}/library/tiny:latest`
  const d = await Daemon.start({ HEARTH_REGISTRY_AUTH: `${direct.host}=basic:me:secret` })
  checkEvents(await pull(d, source), skips)
  await d.call('POST', '/api/copy', { source, destination: `${direct.host}/someone/pushed:v1` })
  const { error, events } = await push(d, `${direct.host}/someone/pushed:v1`)
  ok(!error, error)
  eq(events.at(-1).status, 'success')
  eq(direct.leaks, [])
  eq(direct.manifests.get('/v2/someone/pushed/manifests/v1'), model.manifest)
  for (const { digest, size } of model.blobs) eq(direct.blobs.get(digest), Math.ceil(size / 100e6), digest)
  await d.stop()
  await direct.stop()
  await registry.stop()
})
