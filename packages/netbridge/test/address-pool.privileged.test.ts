import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { AddressPool } from '../src/address/address-pool.js'
import { checkPlan } from '../src/address/plan.js'

leakCheck()

describeOn(['root'], 'AddressPool of several processes', () => {
  it.each(['10.9.0.0/16', 'fd00:1::/64'])(
    'hands out no address of %s twice and forgets none, though some are killed',
    async (subnet) => {
      using program = bundleFile(fileURLToPath(new URL('support/allocator.ts', import.meta.url)))
      using folder = temporaryFolder()
      const start = async (owner: string, count?: number): Promise<string[]> => {
        const args = [
          program.path,
          folder.path,
          subnet,
          owner,
          ...(count === undefined ? [] : [String(count)]),
        ]
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        const said = text(child.stdout)
        const ended = once(child, 'close')
        if (count === undefined) {
          await once(child.stdout, 'readable')
          await sleep(Math.random() * 100)
          child.kill('SIGKILL')
        }
        await ended
        // what was cut off is a whole address that was not said to its end
        return (await said).split('\n').slice(0, -1)
      }
      const killed = ['k1-', 'k2-', 'k3-', 'k4-'].map((owner) => start(owner))
      const whole = ['a-', 'b-', 'c-'].map((owner) => start(owner, 1000))
      const all = (await Promise.all([...killed, ...whole])).flat()
      expect(all.length).toBeGreaterThan(3000)
      expect(new Set(all).size).toBe(all.length)
      const pool = new AddressPool(folder.path, checkPlan({ subnet }))
      const kept = new Map(pool.entries())
      expect(all.filter((address) => !kept.has(address))).toEqual([])
      expect(kept.size - all.length).toBeLessThanOrEqual(4) // handed out, and killed before saying so
      expect(all).not.toContain(pool.allocate('last'))
      pool.close()
    },
  )
})
