import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { startHttp } from '../../test/support/http-server.js'
import { BlobStore } from '../blobs/blob-store.js'
import { ownerToken } from '../blobs/owner.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import type { BlobProgress, FetchBlobOptions } from './fetch-blob.js'
import { RegistryClient } from './registry-client.js'

const content = Buffer.alloc(3 * 1024 ** 2, 'some layer ')
const half = content.length / 2
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length }
const name = layer.digest.replace(':', '-')

/** Serves the first half of the blob at once, and the rest when it is let; ranges whole. */
function halting(): {
  readonly go: () => void
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
} {
  let go!: () => void
  const gate = new Promise<void>((resolve) => (go = resolve))
  const handle = ({ headers: { range } }: IncomingMessage, response: ServerResponse): void => {
    const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
    if (start > 0) {
      const ofAll = `bytes ${start}-${content.length - 1}/${content.length}`
      response.writeHead(206, { 'content-range': ofAll }).end(content.subarray(start))
      return
    }
    response.on('error', () => undefined).write(content.subarray(0, half))
    void gate.then(() => response.end(content.subarray(half)))
  }
  return { go, handle }
}

/** Fetches the layer as a process of its own would: with another store of the same folder, and another client. */
async function fetchInto(folder: string, address: string, options: FetchBlobOptions = {}): Promise<void> {
  await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
  await client.fetchBlob(`${address}/a`, layer, await BlobStore.open(folder), options)
}

async function untilHalfIsThere(folder: string): Promise<void> {
  const partial = join(folder, 'partial')
  const isThere = (file: string): boolean =>
    file.startsWith(`${name}~`) && statSync(join(partial, file)).size === half
  while (!existsSync(partial) || !readdirSync(partial).some(isThere)) await sleep(5)
}

/** Resolves once whoever has it is told of progress. */
function progress(): {
  readonly onProgress: (event: BlobProgress) => void
  readonly told: Promise<BlobProgress>
} {
  let onProgress!: (event: BlobProgress) => void
  const told = new Promise<BlobProgress>((resolve) => (onProgress = resolve))
  return { onProgress, told }
}

describe('RegistryClient.fetchBlob() of what others fetch too', () => {
  it('fetches it once for all, and tells those who wait how far it is', async () => {
    using folder = temporaryFolder()
    const { go, handle } = halting()
    await using server = await startHttp(handle)
    const first = fetchInto(folder.path, server.address)
    await untilHalfIsThere(folder.path)
    const { onProgress, told } = progress()
    const statuses: string[] = []
    const second = fetchInto(folder.path, server.address, {
      onProgress: (event) => {
        statuses.push(event.status)
        onProgress(event)
      },
    })
    expect(await told).toMatchObject({ status: 'running', transferred: half })
    go()
    await Promise.all([first, second])
    expect(server.requests.filter(({ line }) => line.includes('/blobs/'))).toHaveLength(1)
    expect(statuses.at(-1)).toBe('done')
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('goes on where one that gives up has stopped', async () => {
    using folder = temporaryFolder()
    await using server = await startHttp(halting().handle)
    const stop = new AbortController()
    const first = fetchInto(folder.path, server.address, { signal: stop.signal })
    await untilHalfIsThere(folder.path)
    const { onProgress, told } = progress()
    const second = fetchInto(folder.path, server.address, { onProgress })
    await told
    stop.abort()
    await expect(first).rejects.toMatchObject({ name: 'AbortError' })
    await second
    expect(server.requests.flatMap(({ range }) => range ?? [])).toEqual([
      `bytes=${half}-${content.length - 1}`,
    ])
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('stops waiting when its signal aborts', async () => {
    using folder = temporaryFolder()
    const { go, handle } = halting()
    await using server = await startHttp(handle)
    const first = fetchInto(folder.path, server.address)
    await untilHalfIsThere(folder.path)
    const stop = new AbortController()
    const { onProgress, told } = progress()
    const second = fetchInto(folder.path, server.address, { onProgress, signal: stop.signal })
    await told
    stop.abort()
    await expect(second).rejects.toMatchObject({ name: 'AbortError' })
    go()
    await first
  })

  it('takes over from one that has died, and leaves no lock of the dead', async () => {
    using folder = temporaryFolder()
    await using server = await startHttp(halting().handle)
    const store = await BlobStore.open(folder.path)
    const partial = join(folder.path, 'partial')
    const [pid, , ...others] = ownerToken().split('.')
    const dead = [pid, '1', ...others].join('.')
    await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
    writeFileSync(join(partial, `${name}~${dead}`), content.subarray(0, 1000))
    writeFileSync(join(partial, `${name}.lock`), dead)
    await client.fetchBlob(`${server.address}/a`, layer, store)
    expect(server.requests.flatMap(({ range }) => range ?? [])).toEqual([`bytes=1000-${content.length - 1}`])
    expect(readdirSync(partial)).toEqual([])
    writeFileSync(join(partial, `${name}.lock`), dead)
    await BlobStore.open(folder.path)
    expect(readdirSync(partial)).toEqual([])
  })

  it('does not wait for one that lives but has given no sign for long', async () => {
    using folder = temporaryFolder()
    await using server = await startHttp((_, response) => response.end(content))
    const store = await BlobStore.open(folder.path)
    const lock = join(folder.path, 'partial', `${name}.lock`)
    writeFileSync(lock, ownerToken())
    utimesSync(lock, 0, 0)
    await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
    await client.fetchBlob(`${server.address}/a`, layer, store)
    expect([await store.has(layer), readdirSync(join(folder.path, 'partial'))]).toEqual([
      true,
      [`${name}.lock`],
    ])
  })
})
