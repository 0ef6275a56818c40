// Stands between hearth and a registry and does what home lines and servers do on bad days. What happens to the n-th request
// for a thing follows from the seed alone: the same seed, the same faults. Every thing is left alone after a few of them, so a
// client that keeps trying gets what it wants.
//
//   const proxy = await FaultProxy.start(registry.base, { seed: 7 })         // all faults
//   const proxy = await FaultProxy.start(registry.base, { plan: (request) => 'flip' })   // this one
//   proxy.host, proxy.requests, proxy.bytes, await proxy.stop()
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'

// name: what happens to the answer to a GET of a blob. All but `latency` keep the client from its bytes.
export const blobFaults = ['latency', 'cut', 'reset', 'wrong-range', 'whole-body', 'no-range', 'flip', 'redirect', 'expired', 'too-many', 'broken', 'slow-loris', 'silent', 'long-length', 'short-length']
// To everything else: manifests, existence, uploads.
export const plainFaults = ['latency', 'reset', 'too-many', 'broken']
export const manifestFaults = [...plainFaults, 'cut', 'slow-loris', 'long-length']

function chance(...parts) { // an even number in [0, 1) that follows from the parts
  return createHash('sha256').update(parts.join('|')).digest().readUInt32LE(0) / 2 ** 32
}
export const pick = (list, ...parts) => list[Math.floor(chance(...parts) * list.length)]

export class FaultProxy {
  // plan(request): the fault of a request, or null. request: {method, path, kind, digest, range, count}, count = how many of
  // this kind and thing were there before. Without it: by `seed`; `faults` are the names it may take (default: all).
  // bytesPerSecond: all blob bytes together. digests: ranges have a Content-Digest. stallMs: how long a silent answer lasts.
  static async start(upstream, { seed = 0, plan = null, faults = null, bytesPerSecond = 0, digests = false, stallMs = 60000 } = {}) {
    const proxy = new FaultProxy()
    Object.assign(proxy, { upstream: new URL(upstream), seed, faults, bytesPerSecond, digests, stallMs, requests: [], counts: new Map(), bytes: 0, leaks: [], sockets: new Set() })
    proxy.plan = plan ?? ((request) => proxy.bySeed(request))
    proxy.agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
    proxy.server = await proxy.listen((q, r) => proxy.serve(q, r))
    proxy.host = `127.0.0.1:${proxy.server.address().port}`
    // Another host as far as names go, where redirects lead. Credentials of the registry must never be seen here.
    proxy.cdn = await proxy.listen((q, r) => proxy.serveSigned(q, r))
    return proxy
  }
  listen(handler) {
    const server = http.createServer(handler)
    server.on('connection', (socket) => { this.sockets.add(socket); socket.on('close', () => this.sockets.delete(socket)); socket.on('error', () => {}) })
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)))
  }
  // Blob bytes that have left: what waits in our kernel was never fetched (field tx_queue of /proc/net/tcp).
  sentBytes() {
    const ports = [this.server, this.cdn].map((server) => server.address().port)
    const rows = fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1).map((line) => line.trim().split(/\s+/)).filter((row) => row.length > 4)
    const waiting = rows.filter(([, local, , state]) => state !== '0A' && ports.includes(parseInt(local.split(':')[1], 16))).map((row) => parseInt(row[4], 16))
    return this.bytes - waiting.reduce((sum, bytes) => sum + bytes, 0)
  }
  async stop() {
    for (const socket of this.sockets) socket.destroy()
    this.agent.destroy()
    for (const server of [this.server, this.cdn]) await new Promise((done) => server.close(done))
  }

  bySeed({ method, kind, thing, count }) {
    const depth = Math.floor(chance(this.seed, thing, 'depth') * 4) // of none to three requests in a row
    if (count >= depth) return null
    const names = method === 'GET' && kind === 'blob' ? blobFaults : method === 'GET' && kind === 'manifest' ? manifestFaults : plainFaults
    const allowed = this.faults ? names.filter((name) => this.faults.includes(name)) : names
    return allowed.length ? pick(allowed, this.seed, method, thing, count) : null
  }
  describe(q) {
    const path = q.url.split('?')[0]
    const kind = /\/blobs\/uploads\//.test(path) ? 'upload' : /\/blobs\//.test(path) ? 'blob' : /\/manifests\//.test(path) ? 'manifest' : 'other'
    const thing = kind === 'upload' ? 'upload' : path
    const key = `${q.method} ${thing}`
    const count = this.counts.get(key) ?? 0
    this.counts.set(key, count + 1)
    const digest = /sha256:[0-9a-f]{64}/.exec(path)?.[0]
    const range = /^bytes=(\d+)-(\d*)$/.exec(q.headers.range ?? '')
    return { method: q.method, path: q.url, kind, thing, digest, count, range: range && { first: Number(range[1]), last: range[2] === '' ? null : Number(range[2]) }, authorization: q.headers.authorization }
  }

  serve(q, r) {
    const request = this.describe(q)
    request.fault = this.plan(request)
    request.at = Date.now()
    this.requests.push(request)
    this.answer(q, r, request, q.url)
  }
  // Addresses that a redirect gave out: /signed/<uses left>/<path>, good for that many uses.
  serveSigned(q, r) {
    if (q.headers.authorization) this.leaks.push(`${q.url}: ${q.headers.authorization}`)
    const [, , token, rest] = /^(\/signed\/(\w+))(\/.*)$/.exec(q.url) ?? []
    const left = this.signed?.get(token) ?? 0
    const request = { ...this.describe({ method: q.method, url: rest ?? q.url, headers: q.headers }), isSigned: true, at: Date.now(), fault: left > 0 ? null : 'gone' }
    this.requests.push(request)
    if (left <= 0) return void r.writeHead(pick([401, 403, 404, 410], this.seed, token)).end('<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>')
    this.signed.set(token, left - 1)
    this.answer(q, r, request, rest)
  }
  redirect(r, request, uses) {
    this.signed ??= new Map()
    const token = createHash('sha256').update(`${this.seed}|${this.signed.size}`).digest('hex').slice(0, 16)
    this.signed.set(token, uses)
    const status = pick([301, 302, 303, 307, 308], this.seed, request.path, request.count)
    r.writeHead(status, { location: `http://localhost:${this.cdn.address().port}/signed/${token}${request.path}`, 'content-length': 0 }).end()
  }

  answer(q, r, request, path) {
    const { fault } = request
    const at = (what, limit) => Math.floor(chance(this.seed, request.thing, request.count, what) * limit)
    r.on('error', () => {})
    if (fault === 'reset') return void q.socket.destroy()
    if (fault === 'redirect') return this.redirect(r, request, 1 + at('uses', 5))
    if (fault === 'expired') return this.redirect(r, request, 0)
    if (fault === 'too-many') return void r.writeHead(429, { 'retry-after': at('after', 2) ? '1' : new Date(Date.now() + 1000).toUTCString() }).end('{"error":"slow down"}')
    if (fault === 'broken') return void r.writeHead(pick([500, 502, 503, 504], this.seed, request.path, request.count)).end('<html>something broke</html>')
    if (fault === 'silent') return void setTimeout(() => q.socket.destroy(), this.stallMs).unref()
    const go = () => this.forward(q, r, request, path, at)
    if (fault === 'latency') setTimeout(go, 50 + at('latency', 700))
    else go()
  }
  forward(q, r, request, path, at) {
    const headers = { ...q.headers, host: q.headers.host }
    const { fault, range } = request
    if (fault === 'wrong-range' && range) headers.range = `bytes=${range.first + 1 + at('shift', 1000)}-${range.last === null ? '' : range.last + 1}`
    if (fault === 'whole-body') delete headers.range
    const up = http.request({ host: this.upstream.hostname, port: this.upstream.port, method: q.method, path, headers, agent: this.agent }, (a) => this.pass(a, r, request, at).catch(() => r.destroy()))
    up.on('error', () => r.destroy())
    r.on('close', () => up.destroy())
    q.pipe(up)
  }

  async pass(a, r, request, at) {
    const headers = { ...a.headers }
    delete headers.connection
    delete headers['keep-alive']
    // Relative, as the protocol allows, and never past this proxy.
    if (headers.location?.startsWith('http')) headers.location = headers.location.replace(/^https?:\/\/[^/]+/, '')
    const isBlob = request.method === 'GET' && request.kind === 'blob' && (a.statusCode === 200 || a.statusCode === 206)
    const isBody = isBlob || request.method === 'GET' && request.kind === 'manifest' && a.statusCode === 200
    const length = Number(headers['content-length'] ?? 0)
    if (a.statusCode === 416) { a.destroy(); return void r.writeHead(416, { 'content-length': 0 }).end() }
    let { fault } = request
    if (!isBody || length === 0) fault = null
    let whole = null
    if (isBlob && this.digests) {
      whole = Buffer.concat(await a.toArray())
      headers['content-digest'] = `sha-256=:${createHash('sha256').update(whole).digest('base64')}:`
    }
    if (fault === 'no-range') delete headers['content-range']
    if (fault === 'long-length') headers['content-length'] = String(length + 1 + at('more', 100000))
    if (fault === 'short-length') headers['content-length'] = String(Math.floor(length * chance(this.seed, request.thing, request.count, 'less')))
    r.writeHead(a.statusCode, headers)
    const end = { cut: at('cut', length), 'slow-loris': at('slow', Math.min(length, 100000)) }[fault]
    const flip = fault === 'flip' ? at('flip', length) : -1
    let sent = 0
    const drained = () => new Promise((done) => {
      const end = () => { r.off('drain', end); r.off('close', end); done() }
      r.on('drain', end)
      r.on('close', end)
    })
    try {
      for await (let bytes of whole ? [whole] : a) {
        if (r.destroyed) return
        if (end !== undefined && sent + bytes.length > end) bytes = bytes.subarray(0, end - sent)
        if (flip >= sent && flip < sent + bytes.length) {
          bytes = Buffer.from(bytes)
          bytes[flip - sent] ^= 1 << at('bit', 8)
        }
        sent += bytes.length
        await this.send(r, bytes, isBlob, drained)
        if (sent === end) break
      }
    } catch { return void r.destroy() } // the client has gone
    if (fault === 'cut') return void setTimeout(() => r.destroy(), 5)
    if (fault === 'long-length') return void setTimeout(() => r.destroy(), 5)
    if (fault === 'slow-loris') return void this.drip(a, r)
    r.end()
  }
  async send(r, bytes, isBlob, drained) {
    const step = this.bytesPerSecond && isBlob ? 16384 : bytes.length
    for (let i = 0; i < bytes.length && !r.destroyed; i += step) {
      const piece = bytes.subarray(i, i + step)
      if (this.bytesPerSecond && isBlob) await this.turn(piece.length)
      if (r.destroyed) return
      if (isBlob) this.bytes += piece.length
      if (!r.write(piece)) await drained()
    }
  }
  // When the next bytes of all connections together may be sent.
  async turn(bytes) {
    const now = performance.now()
    this.next = Math.max(this.next ?? now, now - 20) + bytes / this.bytesPerSecond * 1000
    if (this.next > now + 1) await new Promise((done) => setTimeout(done, this.next - now))
  }
  // The rest, a byte at a time and far too slowly.
  async drip(a, r) {
    const end = Date.now() + this.stallMs
    while (!r.destroyed && Date.now() < end) {
      r.write(Buffer.from([0]))
      await new Promise((done) => setTimeout(done, 250))
    }
    a.destroy()
    r.destroy()
  }
}
