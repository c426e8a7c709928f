import { spawn as spawnNode } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { IdPool, spawn } from '../src/index.js'

leakCheck()

/** Claims as fast as it can, and ends when it is killed, or when it has made `count` claims and its input ends. */
const claimer = (folder: string, count: number): string => `
import { IdPool } from '@ctr/namespaces'
const pool = new IdPool({ folder: ${JSON.stringify(folder)} })
const kept = Array.from({ length: ${count} }, () => pool.claim({ size: 1000 }))
console.log(JSON.stringify(kept.map(({ uid }) => uid.first)))
process.stdin.resume()
`

describeOn(['root'], 'IdPool between processes', () => {
  it('never gives the same ids to two, and takes those of killed processes back', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/ids`
    using program = bundle(claimer(path, 20))
    const children = Array.from({ length: 4 }, () =>
      spawnNode(process.execPath, [program.path], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    const firsts = await Promise.all(
      children.map(async ({ stdout }) => JSON.parse(String((await once(stdout, 'data'))[0])) as number[]),
    )
    const all = firsts.flat()
    expect(all).toHaveLength(80)
    expect(new Set(all).size).toBe(80)
    const sorted = [...all].sort((a, b) => a - b)
    for (const [index, first] of sorted.entries())
      expect((sorted[index + 1] ?? Infinity) - first).toBeGreaterThanOrEqual(1000)
    const pool = new IdPool({ folder: path })
    expect(pool.claims()).toHaveLength(80)
    for (const child of children) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    using claim = pool.claim()
    expect(claim.uid.first).toBe(sorted[0])
    expect(readdirSync(path)).toHaveLength(2) // this claim and the lock
  })

  it('gives each user namespace its own ids', async () => {
    using folder = temporaryFolder()
    const pool = new IdPool({ folder: folder.path })
    const outside = async (): Promise<string> => {
      using claim = pool.claim()
      const child = await spawn({
        command: ['cat', '/proc/self/uid_map'],
        namespaces: { user: 'new' },
        idMaps: claim.maps,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const printed = await text(child.stdout!)
      await child.wait()
      expect(Number(printed.trim().split(/\s+/)[1])).toBe(claim.uid.first)
      return printed
    }
    expect(new Set(await Promise.all([outside(), outside(), outside()])).size).toBe(3)
  })
})
