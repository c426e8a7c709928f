import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { thrown } from '../../test/support/thrown.js'
import { digestOf } from '../manifest/digest.js'
import { BlobStore } from './blob-store.js'
import { hashOfNode, type ContentHash } from './content-hash.js'
import { isOwnerGone, ownerToken } from './owner.js'

const content = Buffer.from('some content')
const expected = { digest: digestOf(content), size: content.length }

/** The token of a process that has ended: ours, with another start time. */
function deadToken(): string {
  const [pid, , ...others] = ownerToken().split('.')
  return [pid, '1', ...others].join('.')
}

describe('BlobStore', () => {
  it('stores what has the digest and nothing else', async () => {
    using folder = temporaryFolder()
    const store = await BlobStore.open(folder.path)
    await expect(store.write(expected, [Buffer.from('other bytes!')])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_DIGEST_MISMATCH',
    })
    await expect(store.write(expected, [content, content])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_SIZE_MISMATCH',
    })
    await expect(store.write(expected, [content.subarray(1)])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_SIZE_MISMATCH',
    })
    expect(await store.has(expected)).toBe(false)
    await store.write(expected, [content.subarray(0, 3), content.subarray(3)])
    expect(readFileSync(store.pathOf(expected.digest))).toEqual(content)
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('takes a hash that is computed beside the event loop, and gives up each that it began', async () => {
    using folder = temporaryFolder()
    let running = 0
    const sha256 = (): ContentHash => {
      const hash = hashOfNode('sha256')
      running += 1
      let end = (): void => {
        running -= 1
        end = () => undefined
      }
      return {
        async update(bytes) {
          await turn()
          await hash.update(bytes)
        },
        digest: () => hash.digest(),
        [Symbol.dispose]: () => end(),
      }
    }
    const store = await BlobStore.open(folder.path, { sha256 })
    await expect(store.write(expected, [Buffer.from('other bytes!')])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_DIGEST_MISMATCH',
    })
    await expect(store.write(expected, [content, content])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_SIZE_MISMATCH',
    })
    const ingest = await store.ingest(expected)
    await ingest.append(content.subarray(0, 4))
    await ingest.suspend()
    const again = await store.ingest(expected)
    expect(again.offset).toBe(4)
    await again.append(content.subarray(4))
    await again.verify()
    await again.commit()
    expect(await store.has(expected)).toBe(true)
    expect(running).toBe(0)
  })

  it('makes no path of what is no digest', async () => {
    using folder = temporaryFolder()
    const store = await BlobStore.open(folder.path)
    for (const digest of [
      'sha256:../../x',
      '../x',
      `sha256:${'a'.repeat(63)}/`,
      `sha256/../..:${'a'.repeat(64)}`,
    ]) {
      expect(thrown(() => store.pathOf(digest))).toMatchObject({ code: 'ERR_REGISTRY_INVALID_DIGEST' })
    }
  })

  it('takes the same blob from many writers at once', async () => {
    using folder = temporaryFolder()
    const stores = await Promise.all(Array.from({ length: 8 }, () => BlobStore.open(folder.path)))
    await Promise.all(stores.map((store) => store.write(expected, [content])))
    expect(readdirSync(join(folder.path, 'blobs/sha256'))).toEqual([expected.digest.slice(7)])
    expect(readdirSync(join(folder.path, 'partial'))).toEqual([])
  })

  it('says that a blob is missing or damaged when it is read whole', async () => {
    using folder = temporaryFolder()
    const store = await BlobStore.open(folder.path)
    await expect(store.bytes(expected, 100)).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_BLOB' })
    await store.put(content)
    await expect(store.bytes(expected, 5)).rejects.toMatchObject({ code: 'ERR_REGISTRY_TOO_LARGE' })
    writeFileSync(store.pathOf(expected.digest), 'some CONTENT')
    await expect(store.bytes(expected, 100)).rejects.toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
  })

  it('keeps what a crashed writer had for resuming, and removes what is of no use', async () => {
    using folder = temporaryFolder()
    const partial = join(folder.path, 'partial')
    const resumable = `sha256-${expected.digest.slice(7)}`
    await BlobStore.open(folder.path)
    writeFileSync(join(partial, `${resumable}~${deadToken()}`), 'some ')
    writeFileSync(join(partial, `new~${deadToken()}`), 'unknown')
    writeFileSync(join(partial, `sha256-${'0'.repeat(64)}`), 'old')
    utimesSync(join(partial, `sha256-${'0'.repeat(64)}`), 0, 0)
    writeFileSync(join(partial, `new~${ownerToken()}`), 'alive')
    const store = await BlobStore.open(folder.path)
    expect(readdirSync(partial).filter((name) => !name.startsWith('new~'))).toEqual([resumable])
    expect(readdirSync(partial)).toHaveLength(2)
    const ingest = await store.ingest(expected)
    expect(ingest.offset).toBe(5)
    await ingest.append(content.subarray(5))
    await ingest.commit()
    expect(await store.has(expected)).toBe(true)
  })
})

describe('isOwnerGone()', () => {
  it('knows the living, the dead, and those it cannot see', () => {
    expect(isOwnerGone(ownerToken(), 1e12, 0)).toBe(false)
    expect(isOwnerGone(deadToken(), 0, 1e12)).toBe(true)
    const [pid, start, , ...others] = ownerToken().split('.')
    const foreign = [pid, start, '1', ...others].join('.')
    expect([isOwnerGone(foreign, 10, 20), isOwnerGone(foreign, 30, 20)]).toEqual([false, true])
    for (const rubbish of ['', 'x', '0', '-1.2.3', '99999999999.1'])
      expect(isOwnerGone(rubbish, 0, 1e12)).toBe(true)
  })
})
