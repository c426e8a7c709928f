import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Arena, type Change } from '../support/arena.js'

leakCheck()

/** Exchanges a folder and a link to a place of the host, as fast as it can (renameat2(2), RENAME_EXCHANGE). */
const swapper = (target: string): readonly string[] => [
  '/usr/bin/python3',
  '-c',
  `
import ctypes, os
libc = ctypes.CDLL(None)
os.makedirs('/vol/a/b', exist_ok=True)
os.symlink(${JSON.stringify(target)}, '/vol/link')
print('ready', flush=True)
while True:
    for _ in range(1000): libc.renameat2(-100, b'/vol/a', -100, b'/vol/link', 2)
`,
]

describeOn(
  ['root', 'bin:busybox'],
  'OciRuntime and a volume that another container changes (CVE-2021-30465, CVE-2019-19921)',
  () => {
    let arena: Arena
    beforeAll(() => {
      arena = new Arena()
    })
    afterAll(() => {
      arena[Symbol.dispose]()
    })

    it.each([
      ['the root of the host', '/'],
      ['a folder of the host by a path that goes up', '../../../../../..'],
      ['procfs', '/proc'],
      ["the descriptors of the runtime's child", '/proc/self/fd'],
      ["the host's root by the first process that it sees", '/proc/1/root'],
    ])('mounts nothing outside while it leads to %s', async (_, target) => {
      const volume = join(arena.path, 'volume')
      const secret = join(arena.path, 'secret')
      rmSync(volume, { recursive: true, force: true })
      mkdirSync(volume)
      mkdirSync(secret, { recursive: true })
      writeFileSync(join(secret, 'file'), 'bound\n')
      const withVolume: Change = (config) => ({
        ...config,
        mounts: [
          ...(config.mounts ?? []),
          { destination: '/vol', type: 'bind', source: volume, options: ['rbind'] },
        ],
      })
      const outside = ['/b', '/proc/b', '/a', '/made', '/etc/made'].map((path) => join('/', path))
      const before = readdirSync('/')
      await using attacker = await arena.start(swapper(target), withVolume)
      while (!attacker.output().includes('ready')) await sleep(10)
      const victim: Change = (config) => {
        const { mounts = [], process, ...rest } = withVolume(config)
        return {
          ...rest,
          process: { ...process!, cwd: '/vol/a/made' },
          mounts: [
            ...mounts,
            { destination: '/vol/a/b', type: 'bind', source: secret, options: ['rbind'] },
            { destination: '/vol/a/new/b', type: 'tmpfs', source: 'tmpfs' },
          ],
          linux: {
            ...rest.linux,
            maskedPaths: [...(rest.linux?.maskedPaths ?? []), '/vol/a/b/file'],
            readonlyPaths: [...(rest.linux?.readonlyPaths ?? []), '/vol/a'],
          },
        }
      }
      const look = `awk '{print $5}' /proc/self/mountinfo 2>/dev/null || sed 's/^[^ ]* [^ ]* [^ ]* [^ ]* \\([^ ]*\\).*/\\1/' /proc/self/mountinfo`
      for (let n = 0; n < 40; n++) {
        const outcome = await arena.run(look, victim).catch((error: unknown) => error)
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({ name: 'RuntimeError' })
          continue
        }
        // within the volume, or where its link leads within the container
        for (const point of (outcome as { output: string }).output.trim().split('\n'))
          expect(point).toMatch(/^(\/|\/(proc|sys|dev|usr|vol)(\/.*)?|\/(b|new\/b|made)(\/.*)?)$/)
      }
      expect(readdirSync('/')).toEqual(before)
      for (const path of outside) expect(existsSync(path) && !before.includes(path.slice(1))).toBe(false)
    })
  },
)
