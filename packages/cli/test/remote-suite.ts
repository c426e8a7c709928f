import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect } from '@jest/globals'
import { describeOn } from '@ctr/testing'
import type { Ended } from './ctrjs.js'
import { startDockerd } from './docker-daemon.js'
import { needs, setUp, type Suite } from './suite.js'

/** A daemon, and commands that go to it. */
export interface RemoteSuite {
  readonly suite: Suite
  /** Address of the daemon. */
  readonly host: () => string
  readonly run: (...args: string[]) => Promise<Ended>
  /** Runs a command that must succeed and say nothing on standard error. @returns What it prints. */
  readonly ok: (...args: string[]) => Promise<string>
}

/** The same tests with our daemon, and with Docker's. */
export function describeDaemons(title: string, tests: (name: string, remote: RemoteSuite) => void): void {
  describeOn([...needs, 'bin:docker', 'bin:dockerd', 'bin:python3'], title, () => {
    const suite = setUp({ pull: false })
    const daemons = {
      'ctrjs daemon': async () => {
        const host = `unix://${join(suite.folder, 'ctrjs.sock')}`
        const daemon = suite.ctrjs.start('daemon', '--host', host)
        const failed = text(daemon.stderr)
        const exit = once(daemon, 'exit')
        await once(daemon.stdout, 'data')
        return {
          host,
          async [Symbol.asyncDispose]() {
            daemon.kill('SIGTERM')
            expect(await exit).toEqual([0, null])
            expect(await failed).toBe('')
          },
        }
      },
      dockerd: () => startDockerd(suite.folder),
    }
    describe.each(Object.entries(daemons))('%s', (name, start) => {
      let daemon: Awaited<ReturnType<typeof start>>
      const run = async (...args: string[]): Promise<Ended> =>
        await suite.ctrjs.run('-H', daemon.host, ...args)
      const ok = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await run(...args)
        expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
        return stdout
      }

      beforeAll(async () => {
        daemon = await start()
      })
      afterAll(async () => {
        await run('rm', '-fv', ...(await ok('ps', '-aq', '--no-trunc')).split('\n').filter(Boolean))
        await run('rmi', suite.image)
        await daemon[Symbol.asyncDispose]()
      })
      tests(name, { suite, host: () => daemon.host, run, ok })
    })
  })
}
