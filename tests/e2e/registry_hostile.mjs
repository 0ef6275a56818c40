// Registries that mean harm, and those that are merely broken: each gets a clear refusal in short time, nothing is stored, and
// nothing lies anywhere but in the models folder. The rows have the names of the weaknesses of other programs that they repeat.
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import zlib from 'node:zlib'
import { Daemon, check, eq, ok } from './harness.mjs'
import { digestOf, examineStore } from './docker_registry.mjs'
import { manifestFile, pull, push } from './pulling.mjs'

const listen = (handler) => new Promise((done) => {
  const server = http.createServer({ maxHeaderSize: 1 << 20 }, handler)
  server.on('connection', (socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1', () => done(server))
})
const stopped = (server) => { server.closeAllConnections?.(); return new Promise((done) => server.close(done)) }
const hostOf = (server) => `127.0.0.1:${server.address().port}`
const models = (d) => path.join(d.folder, 'models')

const good = Buffer.from('{"model_format":"gguf"}'), goodLayer = { mediaType: 'application/vnd.ollama.image.license', digest: digestOf(good), size: good.length }
const manifestOf = (layers, config = { ...goodLayer, mediaType: 'application/vnd.docker.container.image.v1+json' }) =>
  JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v2+json', config, layers })
const other = digestOf('something else')
const absent = manifestOf([{ ...goodLayer, digest: digestOf('never here') }], null) // no other row leaves this blob behind

// name: {manifest: text or (q, r) => answer, blob: bytes or (q, r) => answer, error: what must be said}
const rows = {}
for (const digest of ['../../x', 'sha256:a', '', 'x', 'sha256:' + '../'.repeat(21) + 'x', 'sha256:' + 'g'.repeat(64), 'sha256:' + 'a'.repeat(63) + '/', `sha512:${'a'.repeat(64)}`, null, 7, {}]) {
  const text = JSON.stringify(digest)
  rows[`CVE-2024-37032, CVE-2025-1975: layer ${text.slice(0, 30)}`] = { manifest: manifestOf([{ ...goodLayer, digest }]), error: /digest/ }
  rows[`CVE-2026-7020: tensor ${text.slice(0, 30)}`] = { manifest: manifestOf([{ ...goodLayer, mediaType: 'application/vnd.ollama.image.tensor', name: 'a', digest }]), error: /digest|safetensors/ }
  if (digest !== null && digest !== '') rows[`config ${text.slice(0, 30)}`] = { manifest: manifestOf([goodLayer], { ...goodLayer, digest }), error: /digest/ }
}
const bomb = zlib.gzipSync(Buffer.alloc(200 << 20), { level: 9 })
const endless = (q, r) => { // as long as somebody listens
  const block = Buffer.alloc(1 << 20, ' ')
  const more = () => { while (!r.destroyed && r.write(block)); }
  r.on('drain', more)
  more()
}
Object.assign(rows, {
  'CVE-2024-12886: a manifest that unpacks to 200 MB': { manifest: (q, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb), error: /./ },
  'a manifest without end': { manifest: endless, error: /4|large|more than/ },
  'a manifest of 5 MB': { manifest: manifestOf([{ ...goodLayer, name: 'x'.repeat(5e6) }]), error: /4|large|more than/ },
  'a manifest nested 100000 deep': { manifest: '{"layers":' + '['.repeat(1e5) + ']'.repeat(1e5) + '}', error: /nested|deep/ },
  'a manifest of 40000 layers': { manifest: JSON.stringify({ layers: Array(40000).fill({ digest: goodLayer.digest, size: 1 }) }), error: /layers|large/ },
  'a manifest that is no JSON': { manifest: '<html>hello</html>', error: /JSON/ },
  'a manifest that is a list': { manifest: '[]', error: /object/ },
  'an empty manifest': { manifest: '', error: /./ },
  'a manifest without layers': { manifest: '{"schemaVersion":2}', error: /layers/ },
  'a size of 2^63': { manifest: manifestOf([{ ...goodLayer, digest: other, size: 2 ** 63 }]), error: /size|space/ },
  'a negative size': { manifest: manifestOf([{ ...goodLayer, size: -1 }]), error: /negative|number/ },
  'a size of 2^50': { manifest: manifestOf([{ ...goodLayer, digest: other, size: 2 ** 50 }]), error: /space/ },
  '#15504: a wrong blob, twice and as config': { manifest: manifestOf([{ ...goodLayer, digest: other }, { ...goodLayer, digest: other }], { ...goodLayer, digest: other }), blob: good, error: /digest|damaged|sha256/ },
  'two sizes for one blob': { manifest: manifestOf([goodLayer, { ...goodLayer, size: 5 }]), blob: good, error: /size/ },
  'a blob that is larger than the manifest says': { manifest: manifestOf([{ ...goodLayer, size: good.length - 1 }], null), blob: good, error: /size|bytes|digest|length/i },
  'a blob that is smaller than the manifest says': { manifest: manifestOf([{ ...goodLayer, size: good.length + 1 }], null), blob: good, error: /size|bytes|digest|range|length/i, slow: true },
  'a blob that is not there': { manifest: absent, blob: (q, r) => r.writeHead(404).end(), error: /not|404/ },
  'a blob without end': { manifest: absent, blob: endless, error: /./, slow: true },
  'a blob with a Content-Length of 2^62': { manifest: absent, blob: (q, r) => { r.writeHead(200, { 'content-length': '4611686018427387904' }); r.write(good); setTimeout(() => r.destroy(), 50) }, error: /./, slow: true },
  'redirects without end': { manifest: absent, blob: (q, r) => r.writeHead(302, { location: q.url }).end(), error: /redirect/, slow: true },
  'too many requests for a day': { manifest: (q, r) => r.writeHead(429, { 'retry-after': '86400' }).end('later'), error: /86400|429|later|left alone/ },
  'an answer for newer clients': { manifest: (q, r) => r.writeHead(412).end('{"errors":[{"message":"this model needs a newer version"}]}'), error: /newer version/ },
  'no realm': { manifest: (q, r) => r.writeHead(401, { 'www-authenticate': 'Bearer service="x"' }).end(), error: /realm/ },
  'a challenge that nobody understands': { manifest: (q, r) => r.writeHead(401, { 'www-authenticate': '"=,,Bearer realm=' }).end(), error: /realm|unauthorized|password|denied/ },
  'a header of 900 kB': { manifest: (q, r) => r.writeHead(200, { x: 'y'.repeat(900000) }).end(manifestOf([goodLayer])), blob: good, error: /./, mayPass: true, slow: true },
})
for (const place of ['file:///etc/passwd', 'ftp://127.0.0.1/x', 'gopher://127.0.0.1/x', 'data:text/plain,x', '//', 'http://', 'http://169.254.169.254/latest/meta-data/', 'http://[fe80::1]/x', 'http://[::ffff:169.254.169.254]/x', 'http://2852039166/x', 'http://0xa9fea9fe/x',
  'http://user:password@127.0.0.1/x']) {
  rows[`CVE-2026-5530: a blob at ${place}`] = { manifest: absent, blob: (q, r) => r.writeHead(307, { location: place }).end(), error: /./ }
  rows[`CVE-2026-5530: a manifest at ${place}`] = { manifest: (q, r) => r.writeHead(302, { location: place }).end(), error: /./ }
}

const answer = (what, q, r) => typeof what === 'function' ? what(q, r) : r.writeHead(200, { 'content-length': Buffer.byteLength(what) }).end(q.method === 'HEAD' ? '' : what)
const everything = (folder) => fs.readdirSync(folder, { recursive: true }).map(String).filter((file) => !fs.statSync(path.join(folder, file)).isDirectory())
const mayBeThere = /^(models\/(blobs\/(sha256-[0-9a-f]{64}(-partial(-\d+)?)?|hearth-tmp-.*)|hearth\.lock|state\.db.*|index\.db.*)|\.hearth\/id_ed25519(\.pub)?)$/
for (const isSlow of process.env.LONG === '1' ? [false, true] : [false]) { // the broken ones take all tries there are
  await check(`${isSlow ? 'broken' : 'hostile'} registries are refused and leave nothing behind`, async () => {
    const d = await Daemon.start({ HEARTH_STALL_TIMEOUT: '2s' }), problems = []
    const names = Object.keys(rows).filter((name) => !!rows[name].slow === isSlow)
    const one = async (name) => {
      const row = rows[name]
      const server = await listen((q, r) => answer(/\/manifests\//.test(q.url) ? row.manifest : row.blob ?? good, q, r))
      const { error, ms } = await pull(d, `${hostOf(server)}/library/x:latest`)
      if (!row.mayPass && (!error || !row.error.test(error))) problems.push(`${name}: ${error}`)
      if (ms > (isSlow ? 60000 : 20000)) problems.push(`${name}: ${ms} ms`)
      if (/\/(tmp|models|etc)\//.test(error ?? '') && !/space/.test(error)) problems.push(`${name} shows a path: ${error}`)
      if (process.env.TRACE) console.log(`#   ${name}: ${error?.slice(0, 160)} (${ms} ms)`)
      await stopped(server)
    }
    const waiting = [...names]
    await Promise.all(Array.from({ length: isSlow ? names.length : 4 }, async () => { while (waiting.length) await one(waiting.shift()) }))
    ok(problems.length === 0, problems.slice(0, 4).join(' | ') + ` (${problems.length})`)
    const outside = everything(d.folder).filter((file) => !mayBeThere.test(file) && !/manifests\/127/.test(file))
    eq(outside, [])
    examineStore(models(d), { allowsPartials: true })
    eq((await d.call('GET', '/api/version')).status, 200)
    await d.stop()
  })
}

await check('CVE-2025-51471: a realm on another host is not asked', async () => {
  const asked = []
  const thief = await listen((q, r) => { asked.push(q.url); r.writeHead(200).end('{"token":"x"}') })
  for (const realm of [`http://${hostOf(thief)}/token`, `http://localhost:${thief.address().port}/token`, `//${hostOf(thief)}/token`, `http://${hostOf(thief)}#@127.0.0.1/token`]) {
    const server = await listen((q, r) => r.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="s",scope="repository:library/x:pull"` }).end())
    const d = await Daemon.start()
    const { error, ms } = await pull(d, `${hostOf(server)}/library/x`)
    ok(error && ms < 10000, `${realm}: ${error}`)
    await d.stop()
    await stopped(server)
  }
  // Nor does a redirect of the token request lead there.
  const server = await listen((q, r) => q.url.startsWith('/token') ? r.writeHead(307, { location: `http://${hostOf(thief)}/token` }).end()
    : r.writeHead(401, { 'www-authenticate': `Bearer realm="http://${q.headers.host}/token",service="s"` }).end())
  const d = await Daemon.start()
  const { error } = await pull(d, `${hostOf(server)}/library/x`)
  ok(error, 'no error')
  eq(asked, [])
  await d.stop()
  await stopped(server)
  await stopped(thief)
})

await check('credentials stay with their registry', async () => {
  const seen = []
  const elsewhere = await listen((q, r) => { seen.push([q.method, q.headers.authorization, q.headers.cookie]); q.resume(); r.writeHead(q.method === 'GET' ? 200 : 202, { 'content-length': q.method === 'GET' ? good.length : 0 }).end(q.method === 'GET' ? good : '') })
  const away = `http://localhost:${elsewhere.address().port}`
  const server = await listen((q, r) => {
    q.resume()
    if (!q.headers.authorization) return r.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    if (/manifests/.test(q.url)) return answer(manifestOf([goodLayer]), q, r)
    if (q.method === 'HEAD') return r.writeHead(404).end()
    r.writeHead(q.method === 'POST' ? 202 : 307, { location: `${away}/x` }).end()
  })
  const d = await Daemon.start({ HEARTH_REGISTRY_AUTH: `${hostOf(server)}=basic:me:secret`, HEARTH_STALL_TIMEOUT: '2s' })
  const { error } = await pull(d, `${hostOf(server)}/library/x:latest`)
  ok(!error, error)
  await push(d, `${hostOf(server)}/library/x:latest`)
  ok(seen.length >= 2 && seen.some(([method]) => method === 'PATCH' || method === 'PUT'), JSON.stringify(seen))
  ok(seen.every(([, authorization, cookie]) => !authorization && !cookie), JSON.stringify(seen))
  ok(!d.log.includes('secret'), 'the password is in the log')
  await d.stop()
  await stopped(server)
  await stopped(elsewhere)
})

await check('CVE-2025-44779: an older manifest in the store names what it may not', async () => {
  const server = await listen((q, r) => answer(/manifests/.test(q.url) ? manifestOf([goodLayer]) : good, q, r))
  const d = await Daemon.start(), name = `${hostOf(server)}/library/x:latest`
  const victim = path.join(models(d), 'victim'), file = manifestFile(models(d), name)
  fs.writeFileSync(victim, 'precious')
  fs.mkdirSync(path.dirname(file), { recursive: true })
  for (const digest of ['../victim', 'sha256:../victim', 'sha256-../../victim']) {
    fs.writeFileSync(file, manifestOf([{ ...goodLayer, digest }]))
    const { error } = await pull(d, name)
    ok(!error, error)
    eq(fs.readFileSync(victim, 'utf8'), 'precious')
  }
  await d.stop()
  await stopped(server)
})

await check('CVE-2026-5530: addresses that are no place for a registry', async () => {
  const d = await Daemon.start()
  for (const host of ['169.254.169.254', '169.254.169.254:80']) {
    for (const insecure of [true, false]) {
      const { error, ms } = await pull(d, `${host}/library/x:latest`, { insecure })
      ok(error && ms < 3000, `${host}: ${error} after ${ms} ms`)
    }
  }
  await d.stop()
})
