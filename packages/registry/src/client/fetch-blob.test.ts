import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { startHttp } from '../../test/support/http-server.js'
import type { ArrivingBlob } from '../blobs/arriving-blob.js'
import { BlobStore } from '../blobs/blob-store.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { retryAfterMs } from '../http/read-body.js'
import { RegistryClient, type RegistryClientOptions } from './registry-client.js'

const content = Buffer.alloc(3 * 1024 ** 2, 'some layer ')
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length }

function newClient(options: RegistryClientOptions = {}): RegistryClient {
  return new RegistryClient({
    credentials: 'anonymous',
    idleTimeoutMs: 300,
    retries: 2,
    retryDelayMs: 1,
    ...options,
  })
}

/** Fetches the layer from a scripted registry into a fresh store. */
async function fetchLayer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: RegistryClientOptions = {},
) {
  using folder = temporaryFolder()
  await using server = await startHttp(handle)
  await using client = newClient(options)
  const store = await BlobStore.open(folder.path)
  const statuses: string[] = []
  const onProgress = ({ status }: { status: string }): void => {
    if (statuses.at(-1) !== status) statuses.push(status)
  }
  const error: unknown = await client.fetchBlob(`${server.address}/a`, layer, store, { onProgress }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const left = readdirSync(join(folder.path, 'partial'))
  return { error, statuses, left, requests: server.requests, isStored: await store.has(layer) }
}

describe('RegistryClient.fetchBlob() from a hostile registry', () => {
  it('refuses content with another digest and leaves nothing', async () => {
    const wrong = Buffer.from(content)
    wrong[wrong.length - 1]! ^= 1
    const { error, left, isStored, requests } = await fetchLayer((_, response) => response.end(wrong))
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
    expect([left, isStored, requests.length]).toEqual([[], false, 1])
  })

  it('refuses a length that is not the size, before it reads any byte', async () => {
    const { error, statuses } = await fetchLayer((_, response) =>
      response.writeHead(200, { 'content-length': content.length + 1 }).write('x'),
    )
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_SIZE_MISMATCH' })
    expect(statuses).toEqual([])
  })

  it('stops at the size when more keeps coming', async () => {
    let sent = 0
    const { error, left } = await fetchLayer((_, response) => {
      const more = (): void => {
        while (!response.destroyed && sent < 1024 ** 3) {
          sent += content.length
          if (!response.write(content)) return void response.once('drain', more)
        }
      }
      more()
    })
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_SIZE_MISMATCH' })
    expect(left).toEqual([])
    expect(sent).toBeLessThan(64 * 1024 ** 2)
  })

  it('refuses a body that ends early', async () => {
    const { error } = await fetchLayer(
      (_, response) => response.end(content.subarray(0, 100)).flushHeaders(),
      { retries: 0 },
    )
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_SIZE_MISMATCH' })
  })

  it('gives up on a registry that never answers, and on one that stops in the middle', async () => {
    expect((await fetchLayer(() => undefined, { retries: 1 })).error).toMatchObject({
      code: 'ERR_REGISTRY_TIMEOUT',
    })
    const stopped = await fetchLayer(
      (_, response) => response.writeHead(200, { 'content-length': content.length }).write('x'),
      { retries: 0 },
    )
    expect(stopped.error).toMatchObject({ code: 'ERR_REGISTRY_TIMEOUT' })
    expect(stopped.left).toEqual([`sha256-${layer.digest.slice(7)}`]) // kept for the next attempt
  })

  it('goes on by Range where a connection broke', async () => {
    let count = 0
    const { error, statuses, requests, isStored, left } = await fetchLayer((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const headers = {
        'content-length': content.length - start,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      }
      response.writeHead(start === 0 ? 200 : 206, headers)
      if (count++ > 1) return response.end(content.subarray(start))
      return response.write(content.subarray(start, start + 1_000_000), () =>
        setTimeout(() => response.destroy(), 20),
      )
    })
    expect(error).toBeUndefined()
    // how much of the last bytes sent before a break arrives is up to the kernel
    const ranges = requests.map(({ range }) =>
      /^bytes=(\d+)-(\d+)$/
        .exec(range ?? '')
        ?.slice(1)
        .map(Number),
    )
    expect(ranges).toEqual([
      undefined,
      [expect.any(Number), content.length - 1],
      [expect.any(Number), content.length - 1],
    ])
    const [first, second] = [ranges[1]![0]!, ranges[2]![0]!]
    expect(first > 0 && first <= 1_000_000).toBe(true)
    expect(second > first && second <= first + 1_000_000).toBe(true)
    expect(statuses).toEqual(['running', 'retrying', 'running', 'retrying', 'running', 'done'])
    expect([isStored, left]).toEqual([true, []])
  })

  it('starts again when the server ignores the range, answers another, or says 416', async () => {
    for (const second of ['ignore', 'other', 'refuse']) {
      let count = 0
      const { error, isStored } = await fetchLayer((request, response) => {
        if (count++ === 0)
          return response
            .writeHead(200, { 'content-length': content.length })
            .write(content.subarray(0, 1e6), () => setTimeout(() => response.destroy(), 20))
        if (request.headers.range === undefined || second === 'ignore') return response.end(content)
        if (second === 'refuse') return response.writeHead(416).end()
        return response
          .writeHead(206, { 'content-range': `bytes 5-${content.length - 1}/${content.length}` })
          .end(content.subarray(5))
      })
      if (second === 'other') expect(error).toMatchObject({ code: 'ERR_REGISTRY_PROTOCOL' })
      else expect([error, isStored]).toEqual([undefined, true])
    }
  })

  it('goes on with what another process left, and throws it away when it is wrong', async () => {
    for (const left of [content.subarray(0, 1000), Buffer.alloc(1000), Buffer.alloc(content.length + 1)]) {
      using folder = temporaryFolder()
      const store = await BlobStore.open(folder.path)
      const ingest = await store.ingest({ digest: layer.digest, size: 2 ** 40 })
      await ingest.append(left)
      await ingest.suspend()
      await using server = await startHttp((request, response) => {
        const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
        response.writeHead(start === 0 ? 200 : 206, {
          'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
        })
        response.end(content.subarray(start))
      })
      await using client = newClient()
      const arrivals: ArrivingBlob[] = []
      const onArriving = (blob: ArrivingBlob): void => void arrivals.push(blob)
      await client.fetchBlob(`${server.address}/a`, layer, store, { onArriving })
      expect(await store.has(layer)).toBe(true)
      // of what was thrown away nobody is told that it is good
      const verified = await Promise.all(arrivals.map((blob) => blob.verified))
      expect(verified).toEqual(left.length === 1000 && left[0] === 0 ? [false, true] : [true])
      expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
    }
  })

  it('waits as Retry-After says, tries again after 503, and gives up after its retries', async () => {
    let count = 0
    const start = performance.now()
    const { error } = await fetchLayer((_, response) => {
      if (count++ === 0) return response.writeHead(429, { 'retry-after': '1' }).end()
      return count === 2 ? response.writeHead(503).end() : response.end(content)
    })
    expect(error).toBeUndefined()
    expect(performance.now() - start).toBeGreaterThan(950)
    const limited = await fetchLayer((_, response) =>
      response.writeHead(429, { 'retry-after': '86400' }).end(),
    )
    expect(limited.error).toMatchObject({ code: 'ERR_REGISTRY_RATE_LIMITED', retryAfterMs: 86_400_000 })
    expect(limited.requests).toHaveLength(1)
    const broken = await fetchLayer((_, response) => response.writeHead(500).end())
    expect([broken.error, broken.requests.length]).toMatchObject([
      { code: 'ERR_REGISTRY_STATUS', status: 500 },
      3,
    ])
    expect(retryAfterMs('Wed, 21 Oct 2015 07:28:10 GMT', Date.parse('Wed, 21 Oct 2015 07:28:00 GMT'))).toBe(
      10_000,
    )
  })

  it('follows a redirect to another host without the credentials', async () => {
    await using other = await startHttp((_, response) => response.end(content))
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
      else response.writeHead(307, { location: `http://user:pw@${other.address}/cdn` }).end()
    }
    const { error, requests } = await fetchLayer(handle, {
      credentials: { username: 'ann', password: 'secret' },
    })
    expect(error).toBeUndefined()
    expect(requests.map(({ authorization }) => authorization)).toEqual([undefined, 'Basic YW5uOnNlY3JldA=='])
    expect(other.requests).toEqual([{ line: 'GET /cdn', authorization: undefined, range: undefined }])
  })

  it('learns nothing from a 401 of another host', async () => {
    await using other = await startHttp((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="trap"' }).end(),
    )
    const handle = (_: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(307, { location: `http://${other.address}/` }).end()
    const { error } = await fetchLayer(handle, { credentials: { username: 'ann', password: 'secret' } })
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNAUTHORIZED' })
    expect(other.requests).toHaveLength(1)
  })

  it('stops at once when its signal aborts', async () => {
    using folder = temporaryFolder()
    await using server = await startHttp((_, response) =>
      response.writeHead(200, { 'content-length': content.length }).write('x'),
    )
    await using client = newClient({ idleTimeoutMs: 60_000 })
    const store = await BlobStore.open(folder.path)
    const reason = new Error('enough')
    const aborter = new AbortController()
    setTimeout(() => aborter.abort(reason), 50)
    const fetched = client.fetchBlob(`${server.address}/a`, layer, store, { signal: aborter.signal })
    await expect(fetched).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason })
    await expect(client.manifest(`${server.address}/a`, { signal: aborter.signal })).rejects.toMatchObject({
      name: 'AbortError',
      cause: reason,
    })
  })
})
