import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { Sha256 } from './sha256.js'

const bytes = randomBytes(1_000_003)
const expected = createHash('sha256').update(bytes).digest('hex')

async function hashed(...sizes: number[]): Promise<string> {
  using hash = new Sha256()
  let at = 0
  for (const size of sizes) await hash.update(bytes.subarray(at, (at += size)))
  await hash.update(bytes.subarray(at))
  return hash.digest()
}

describe('Sha256', () => {
  it('is the hash of node:crypto, whatever pieces the bytes come in', async () => {
    const all = [[], [0], [1, 2, 3], [65_535], [65_536], [700_000, 5], [5, 64, 65, 300_000, 0, 1]]
    for (const sizes of all) expect(await hashed(...sizes)).toBe(expected)
    expect(new Sha256().digest()).toBe(createHash('sha256').digest('hex'))
  })

  it('hashes many at once', async () => {
    const all = await Promise.all(Array.from({ length: 300 }, () => hashed(500_000)))
    expect(new Set(all)).toEqual(new Set([expected]))
  })

  it('takes no piece before the one before is through, and none once it has ended', async () => {
    const hash = new Sha256()
    const first = hash.update(bytes)
    await expect(hash.update(bytes)).rejects.toMatchObject({ code: 'ERR_LINUX_INVALID_ARG' })
    expect(() => hash.digest()).toThrow(/the piece before is not through/)
    await first
    expect(hash.digest()).toBe(expected)
    await expect(hash.update(bytes)).rejects.toMatchObject({ code: 'ERR_LINUX_INVALID_ARG' })
  })

  it('can be given up while a thread is at it', async () => {
    const hash = new Sha256()
    const update = hash.update(bytes)
    hash[Symbol.dispose]()
    hash[Symbol.dispose]()
    await update
    expect(() => hash.digest()).toThrow(/it has ended/)
  })
})
