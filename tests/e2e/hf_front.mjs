// Answers as Hugging Face does, as far as a client that wants GGUF files sees it: the registry routes with quant labels as
// tags, blobs by a redirect to a signed address on another host, the list of a repository's files in pages, files by
// `resolve`, and its refusals. Shards are refused by the registry routes, as there.
//
//   const hub = await HuggingFace.start({ 'someone/tiny-GGUF': { files: { 'tiny-Q4_K_M.gguf': bytes } } })
//   HF_ENDPOINT: hub.base
// A repository: files (name -> bytes), isPrivate (needs the token), isGated, refusesRegistry.
import { createHash } from 'node:crypto'
import http from 'node:http'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
export const TOKEN = 'hf_this_is_a_token_of_the_tests'
const isLfs = (name) => name.endsWith('.gguf')

export class HuggingFace {
  static async start(repositories, { pageSize = 3 } = {}) {
    const hub = new HuggingFace()
    Object.assign(hub, { repositories, pageSize, requests: [], leaks: [], servers: [] })
    const listen = (handler) => new Promise((done) => { const server = http.createServer(handler); hub.servers.push(server); server.listen(0, '127.0.0.1', () => done(server.address().port)) })
    hub.cdnPort = await listen((q, r) => hub.serveSigned(q, r))
    const port = await listen((q, r) => hub.serve(q, r))
    hub.base = `http://127.0.0.1:${port}`
    return hub
  }
  async stop() { for (const server of this.servers) { server.closeAllConnections?.(); await new Promise((done) => server.close(done)) } }

  say(r, status, body, headers = {}) {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    r.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length, ...headers }).end(bytes)
  }
  redirect(r, status, name, bytes, headers = {}) {
    r.writeHead(status, { location: `http://localhost:${this.cdnPort}/xet-bridge/${name}?X-Amz-Signature=${sha256(bytes).slice(0, 20)}&sha=${sha256(bytes)}`, 'content-length': 0, ...headers }).end()
  }
  serveSigned(q, r) {
    if (q.headers.authorization) this.leaks.push(q.headers.authorization)
    const wanted = new URL(q.url, 'http://x').searchParams.get('sha')
    const bytes = Object.values(this.repositories).flatMap(({ files }) => Object.values(files)).map(Buffer.from).concat(this.small ?? []).find((file) => sha256(file) === wanted)
    this.requests.push({ path: q.url, isSigned: true, range: q.headers.range })
    if (!bytes) return this.say(r, 403, '<Error>AccessDenied</Error>')
    const range = /^bytes=(\d+)-(\d*)$/.exec(q.headers.range ?? '')
    if (!range) return this.say(r, 200, bytes, { 'accept-ranges': 'bytes' })
    const first = Number(range[1]), last = Math.min(range[2] === '' ? bytes.length - 1 : Number(range[2]), bytes.length - 1)
    this.say(r, 206, bytes.subarray(first, last + 1), { 'content-range': `bytes ${first}-${last}/${bytes.length}` })
  }

  serve(q, r) {
    const url = new URL(q.url, this.base), parts = url.pathname.split('/').filter(Boolean)
    this.requests.push({ method: q.method, path: q.url, authorization: q.headers.authorization, agent: q.headers['user-agent'] })
    const [user, repo] = parts[0] === 'v2' ? parts.slice(1) : parts[0] === 'api' ? parts.slice(2) : parts
    const repository = this.repositories[`${user}/${repo}`]
    const isKnown = q.headers.authorization === `Bearer ${TOKEN}`
    if (!repository || repository.isPrivate && !isKnown) return this.say(r, 401, { error: 'Invalid username or password.' })
    if (repository.isGated) return this.say(r, 403, { error: `Access to model ${user}/${repo} is restricted and you are not in the authorized list.` })
    if (parts[0] === 'v2' && parts[3] === 'manifests') return this.manifest(r, repository, parts[4])
    if (parts[0] === 'v2' && parts[3] === 'blobs') return this.blob(r, repository, parts[4])
    if (parts[0] === 'api' && parts[4] === 'tree') return this.tree(r, repository, url)
    if (parts[2] === 'resolve') return this.resolve(r, repository, parts.slice(4).map(decodeURIComponent).join('/'))
    this.say(r, 404, { error: 'Sorry, we can\'t find the page you are looking for.' })
  }
  manifest(r, { files, refusesRegistry }, tag) {
    const models = Object.keys(files).filter((name) => name.endsWith('.gguf') && !name.includes('mmproj'))
    const wanted = tag.toLowerCase()
    const found = wanted === 'latest' ? models.find((name) => /Q4_K_M/i.test(name)) ?? models[0]
      : models.find((name) => name.toLowerCase() === wanted || new RegExp(`(^|[-._/])${wanted.replace('.gguf', '')}(-00001-of-\\d+)?\\.gguf$`, 'i').test(name))
    if (!found) return this.say(r, 400, { error: 'The specified tag is not a valid quantization scheme. Please use another tag or "latest"' })
    if (refusesRegistry || /-\d{5}-of-\d{5}\.gguf$/.test(found)) return this.say(r, 400, { error: 'The specified tag is a sharded GGUF. Ollama does not support this yet. Follow this issue for more info: https://github.com/ollama/ollama/issues/5245' })
    const layer = (mediaType, bytes) => ({ mediaType: `application/vnd.${mediaType}`, digest: `sha256:${sha256(bytes)}`, size: bytes.length })
    const projector = Object.keys(files).find((name) => name.includes('mmproj'))
    const config = Buffer.from(JSON.stringify({ model_format: 'gguf', model_family: 'llama', model_families: ['llama'], model_type: '1K', file_type: 'unknown', architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }))
    this.small = [config]
    const layers = [layer('ollama.image.model', files[found])]
    if (projector) layers.push(layer('ollama.image.projector', files[projector]))
    for (const name of ['template', 'params', 'system']) if (files[name]) { layers.push(layer(`ollama.image.${name}`, files[name])); this.small.push(Buffer.from(files[name])) }
    this.say(r, 200, { schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v2+json', config: layer('docker.container.image.v1+json', config), layers })
  }
  blob(r, { files }, digest) {
    const bytes = Object.values(files).map(Buffer.from).concat(this.small ?? []).find((file) => `sha256:${sha256(file)}` === digest)
    if (!bytes) return this.say(r, 404, { error: 'Entry not found' })
    this.redirect(r, 307, 'blob', bytes)
  }
  tree(r, { files }, url) {
    const at = Number(url.searchParams.get('cursor') ?? 0), all = Object.entries(files)
    const folders = [...new Set(all.map(([name]) => name.split('/').slice(0, -1).join('/')).filter(Boolean))].map((path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path }))
    const entries = all.map(([path, bytes]) => ({ type: 'file', oid: createHash('sha1').update(bytes).digest('hex'), size: bytes.length, ...(isLfs(path) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 135 }, xetHash: sha256(bytes) }), path }))
    const list = [...folders, ...entries], next = at + this.pageSize
    this.say(r, 200, list.slice(at, next), next < list.length ? { link: `<${this.base}${url.pathname}?recursive=true&cursor=${next}>; rel="next"` } : {})
  }
  resolve(r, { files }, name) {
    const bytes = files[name]
    if (bytes === undefined) return this.say(r, 404, 'Entry not found', { 'x-error-code': 'EntryNotFound' })
    if (isLfs(name)) return this.redirect(r, 302, name, Buffer.from(bytes), { 'x-linked-size': bytes.length, 'x-linked-etag': `"${sha256(bytes)}"`, 'x-repo-commit': '1'.repeat(40) })
    this.say(r, 200, Buffer.from(bytes), { 'content-type': 'text/plain; charset=utf-8', 'accept-ranges': 'bytes' })
  }
}
