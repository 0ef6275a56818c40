// A real registry, Debian's docker-registry, on loopback and with a folder of its own; the certificates that it and its
// fronts need; models put into it without hearth; and curl reading what hearth put there.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { eventually, freePort, ok, shared } from './harness.mjs'

const program = spawnSync('sh', ['-c', 'command -v docker-registry']).stdout.toString().trim()
export const hasRegistry = program !== '' && spawnSync('sh', ['-c', 'command -v openssl && command -v curl']).status === 0
export const USER = 'someone', PASSWORD = 'pw' // what the line below is the hash of
const htpasswd = `${USER}:$2b$04$mUgRRCQHXsoqCTjEik13TOOpcZbsZ5mmWy1Z.pMjRjk.uT.A4fLUi\n`

const processes = new Set(), folders = new Set()
process.on('exit', () => {
  for (const child of processes) child.kill('SIGKILL')
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})
export function temporaryFolder(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `hearth-${name}-`))
  folders.add(folder)
  return folder
}
export function removeFolder(folder) {
  fs.rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

// A program that runs beside the tests until it is stopped. `log` is what it has said.
export function runBeside(command, args, env = {}) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env } })
  const beside = { child, log: '', ended: new Promise((done) => child.on('exit', done)) }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { beside.log += text })
  processes.add(child)
  beside.stop = async () => { processes.delete(child); child.kill('SIGKILL'); await beside.ended }
  return beside
}

// A private authority, a server's certificate for 127.0.0.1 and localhost that it signed, and a key that signs tokens: ca.crt
// srv.crt srv.key token.crt token.key.
export function makeCertificates() {
  const folder = temporaryFolder('certificates')
  const openssl = (...args) => {
    const result = spawnSync('openssl', args, { cwd: folder })
    ok(result.status === 0, `openssl ${args[0]}: ${result.stderr}`)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=hearth test authority')
  openssl('req', ...key, '-keyout', 'srv.key', '-out', 'srv.csr', '-subj', '/CN=localhost')
  fs.writeFileSync(path.join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  openssl('x509', '-req', '-in', 'srv.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'srv.crt', '-days', '2', '-extfile', 'names')
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'token.key', '-out', 'token.crt', '-days', '2', '-subj', '/CN=tokens')
  return folder
}

export class Registry {
  // basic: name and password are asked for. certificates: TLS with srv.crt of that folder. front: tokens are asked for, as
  // regfront.mjs gives them (host:port of that front).
  static async start({ basic = false, certificates = null, front = null } = {}) {
    const registry = new Registry()
    registry.folder = temporaryFolder('registry')
    registry.port = await freePort()
    registry.host = `127.0.0.1:${registry.port}`
    registry.base = `${certificates && !front ? 'https' : 'http'}://${registry.host}`
    registry.curlOptions = certificates && !front ? ['--cacert', path.join(certificates, 'ca.crt')] : []
    if (basic) registry.curlOptions.push('-u', `${USER}:${PASSWORD}`)
    const lines = ['version: 0.1', 'log: {level: warn, accesslog: {disabled: true}}', 'storage:', `  filesystem: {rootdirectory: ${registry.folder}/data}`, '  delete: {enabled: true}',
      'http:', `  addr: ${registry.host}`]
    if (certificates && !front) lines.push(`  tls: {certificate: ${certificates}/srv.crt, key: ${certificates}/srv.key}`)
    if (basic) {
      fs.writeFileSync(path.join(registry.folder, 'htpasswd'), htpasswd)
      lines.push('auth:', '  htpasswd: {realm: private, path: ' + path.join(registry.folder, 'htpasswd') + '}')
    }
    if (front) lines.push('auth:', `  token: {realm: "https://${front}/token", service: test-registry, issuer: test-issuer, rootcertbundle: ${certificates}/token.crt}`)
    fs.writeFileSync(path.join(registry.folder, 'config.yml'), lines.join('\n') + '\n')
    registry.beside = runBeside(program, ['serve', path.join(registry.folder, 'config.yml')], { OTEL_TRACES_EXPORTER: 'none' })
    await eventually(() => spawnSync('curl', ['-s', ...registry.curlOptions, '-o', '/dev/null', registry.base + '/v2/']).status === 0, `docker-registry answers: ${registry.beside.log.slice(-300)}`)
    return registry
  }
  async stop() {
    await this.beside.stop()
    removeFolder(this.folder)
  }

  // curl's view: {status, headers, body}.
  curl(route, ...options) {
    const headers = path.join(this.folder, 'headers')
    const result = spawnSync('curl', ['-sS', ...this.curlOptions, '-D', headers, '-w', '%{stderr}%{http_code}', ...options, this.base + route], { maxBuffer: 1 << 30 })
    ok(result.status === 0, `curl ${route}: ${result.stderr}`)
    return { status: Number(result.stderr.toString().slice(-3)), headers: fs.readFileSync(headers, 'utf8'), body: result.stdout }
  }
  manifest(name, tag = 'latest') {
    return this.curl(`/v2/${name}/manifests/${tag}`, '-H', 'Accept: application/vnd.docker.distribution.manifest.v2+json')
  }
  // Puts a blob there from a file, in one piece.
  putBlob(name, digest, file) {
    const start = this.curl(`/v2/${name}/blobs/uploads/`, '-X', 'POST', '-d', '')
    ok(start.status === 202, `upload: ${start.status} ${start.body}`)
    const place = new URL(start.headers.match(/^location: (\S+)/im)[1], this.base)
    place.searchParams.set('digest', digest)
    const end = this.curl(place.pathname + place.search, '-X', 'PUT', '-H', 'Content-Type: application/octet-stream', '-T', file)
    ok(end.status === 201, `upload: ${end.status} ${end.body}`)
  }
  putManifest(name, tag, bytes) {
    const file = path.join(this.folder, 'manifest')
    fs.writeFileSync(file, bytes)
    const answer = this.curl(`/v2/${name}/manifests/${tag}`, '-X', 'PUT', '-H', 'Content-Type: application/vnd.docker.distribution.manifest.v2+json', '--data-binary', '@' + file)
    ok(answer.status === 201, `manifest: ${answer.status} ${answer.body}`)
  }
}

export const digestOf = (bytes) => 'sha256:' + createHash('sha256').update(bytes).digest('hex')
export function digestOfFile(file) {
  const hash = createHash('sha256'), buffer = Buffer.alloc(1 << 20), fd = fs.openSync(file)
  for (let count; (count = fs.readSync(fd, buffer)) > 0;) hash.update(buffer.subarray(0, count))
  fs.closeSync(fd)
  return 'sha256:' + hash.digest('hex')
}

// Bytes that any size of file may be made of and that do not repeat: xorshift, the same for the same seed.
export function noise(bytes, seed = 1) {
  const words = new Uint32Array(bytes + 3 >>> 2)
  let state = seed * 2654435761 | 1
  for (let i = 0; i < words.length; ++i) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5
    words[i] = state
  }
  return Buffer.from(words.buffer, 0, bytes)
}

// A GGUF file of about `bytes` bytes: one tensor with noise in it. Enough to be listed and shown, not to be run.
export function writeGguf(file, bytes, seed = 1) {
  const text = (value) => { const b = Buffer.from(value), n = Buffer.alloc(8); n.writeBigUInt64LE(BigInt(b.length)); return Buffer.concat([n, b]) }
  const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b }
  const u64 = (value) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b }
  const count = Math.max(1, Math.floor(bytes / 128)) * 32
  let head = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(2), text('general.architecture'), u32(8), text('llama'), text('general.name'), u32(8), text(`noise ${seed}`),
    text('noise'), u32(1), u64(count), u32(0), u64(0)])
  head = Buffer.concat([head, Buffer.alloc((32 - head.length % 32) % 32)])
  const fd = fs.openSync(file, 'w'), chunk = noise(Math.min(count * 4, 8 << 20), seed)
  fs.writeSync(fd, head)
  for (let left = count * 4, i = 0; left > 0; ++i) {
    chunk.writeUInt32LE(i, 0) // so that no two pieces are alike
    left -= fs.writeSync(fd, chunk, 0, Math.min(left, chunk.length))
  }
  fs.closeSync(fd)
}

// A model in the registry: a GGUF file of that size and small layers. {manifest, blobs: [{digest, size}], bytes}
export function putModel(registry, name, tag, bytes, seed = 1) {
  const file = path.join(registry.folder, 'blob')
  const blobs = []
  const add = (mediaType, content) => {
    if (content === null) writeGguf(file, bytes, seed)
    else fs.writeFileSync(file, content)
    const blob = { mediaType, size: fs.statSync(file).size, digest: digestOfFile(file) }
    registry.putBlob(name, blob.digest, file)
    fs.rmSync(file)
    blobs.push(blob)
    return blob
  }
  const layers = [add('application/vnd.ollama.image.model', null), add('application/vnd.ollama.image.template', '{{ .Prompt }}'),
    add('application/vnd.ollama.image.license', noise(200_000, seed + 1).toString('base64')), add('application/vnd.ollama.image.params', `{"seed":${seed}}`)]
  const config = add('application/vnd.docker.container.image.v1+json', `{"model_format":"gguf","model_family":"llama","architecture":"amd64","os":"linux","rootfs":{"type":"layers"},"seed":${seed}}`)
  // Not as hearth would print it, so that a manifest that was written again would be seen.
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v2+json', config, layers }, null, 1)
  registry.putManifest(name, tag, manifest)
  return { manifest, blobs, bytes: blobs.reduce((sum, { size }) => sum + size, 0) }
}

// regfront.mjs of the shared clients before a registry that asks for tokens: {host, registry, front, stop}. Options are its
// own: {REDIRECT: 1, CUT: 100000}.
export async function startFront(certificates, options = {}) {
  const port = await freePort(), cdn = await freePort()
  const registry = await Registry.start({ certificates, front: `127.0.0.1:${port}` })
  const env = Object.fromEntries(Object.entries({ CERTS: certificates, LISTEN: port, UP: registry.host, CDN_PORT: cdn, ...options }).map(([key, value]) => [key, String(value)]))
  const front = runBeside(process.execPath, [shared('clients/regfront.mjs')], env)
  await eventually(() => front.log.includes('front '), `regfront.mjs starts: ${front.log}`)
  return { host: `127.0.0.1:${port}`, registry, front, stop: async () => { await front.stop(); await registry.stop() } }
}

// Every blob of a models folder is what its name says, every manifest has all of its blobs, and nothing lies outside. Throws
// naming what is damaged. `allowsPartials`: a pull was stopped.
export function examineStore(models, { allowsPartials = false } = {}) {
  const blobs = path.join(models, 'blobs')
  for (const file of fs.readdirSync(blobs)) {
    if (allowsPartials && (/-partial(-\d+)?$/.test(file) || file.startsWith('hearth-tmp-'))) continue
    ok(/^sha256-[0-9a-f]{64}$/.test(file), `${file} is in the blobs folder`)
    ok(digestOfFile(path.join(blobs, file)).replace(':', '-') === file, `${file} is damaged`)
  }
  const manifests = path.join(models, 'manifests')
  for (const entry of fs.existsSync(manifests) ? fs.readdirSync(manifests, { recursive: true }).map(String) : []) {
    const file = path.join(manifests, entry)
    if (fs.statSync(file).isDirectory()) continue
    const { layers, config } = JSON.parse(fs.readFileSync(file, 'utf8'))
    for (const { digest, size } of [...layers, config]) {
      const blob = path.join(blobs, digest.replace(':', '-'))
      ok(fs.existsSync(blob) && fs.statSync(blob).size === size, `${entry} lacks ${digest}`)
    }
  }
}
