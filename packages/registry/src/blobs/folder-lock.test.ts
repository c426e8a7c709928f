import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { ownerToken } from './owner.js'
import { withFolderLock } from './folder-lock.js'

function deadToken(): string {
  const [pid, , ...others] = ownerToken().split('.')
  return [pid, '1', ...others].join('.')
}

describe('withFolderLock()', () => {
  it('lets one in at a time, and leaves nothing', async () => {
    using folder = temporaryFolder()
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await sleep(1)
      inside--
    }
    await Promise.all(
      Array.from({ length: 20 }, () => withFolderLock(join(folder.path, 'a.lock'), undefined, work)),
    )
    expect([most, readdirSync(folder.path)]).toEqual([1, []])
  })

  it('breaks the lock of an owner that has ended, even when its breaker has ended too', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a.lock')
    const dead = deadToken()
    writeFileSync(path, dead)
    writeFileSync(`${path}.${dead.slice(-12)}`, deadToken())
    let count = 0
    const work = async (): Promise<void> => {
      count++
      expect(count).toBe(1)
      await sleep(1)
      count--
    }
    await Promise.all(Array.from({ length: 8 }, () => withFolderLock(path, undefined, work)))
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('stops waiting when its signal aborts, and passes errors on', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a.lock')
    writeFileSync(path, ownerToken())
    const waiting = withFolderLock(path, AbortSignal.timeout(30), () => Promise.resolve())
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    const failing = withFolderLock(`${path}2`, undefined, () => Promise.reject(new Error('mine')))
    await expect(failing).rejects.toThrow('mine')
    expect(readdirSync(folder.path)).toEqual(['a.lock'])
  })
})
