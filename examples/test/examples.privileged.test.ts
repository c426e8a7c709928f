import { spawn } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck, ordinaryUser, temporaryFolder, type OrdinaryUser } from '@ctr/testing'
import { ImageStore, RegistryServer } from '@ctr/registry'
import { hostImage } from '../pack/host-image.js'
import { installedCopy } from './installed-copy.js'

leakCheck()

const launcher = fileURLToPath(new URL('../run.mjs', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

interface LaunchOptions {
  readonly as?: { readonly uid: number; readonly gid: number; readonly home?: string } | undefined
  /** Sends SIGTERM to the launcher when this was printed. */
  readonly stopAt?: string | undefined
}

/** Runs an example as a person would, in a pipe. */
async function launch(
  args: readonly string[],
  { as = { uid: 0, gid: 0 }, stopAt }: LaunchOptions = {},
): Promise<Ended> {
  const env = as.uid === 0 ? process.env : { PATH: process.env['PATH'], HOME: as.home ?? '/nonexistent' }
  const { uid, gid } = as
  const child = spawn(process.execPath, args, { uid, gid, env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  if (stopAt !== undefined) {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(stopAt)) child.kill('SIGTERM')
    })
  }
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, output, errors }
}

/** Runs an example that must succeed without complaint. */
async function run(...args: string[]): Promise<string> {
  const { code, output, errors } = await launch([launcher, ...args])
  expect({ code, errors, output }).toEqual({ code: 0, errors: '', output })
  return output
}

describeOn(['root', 'overlay'], 'the demo', () => {
  it('packs, pushes, pulls, runs, limits and removes', async () => {
    const output = await run('demo')
    expect(output).toMatch(/Hello from demo/)
    expect(output).toMatch(/host name {2,}\S+ +demo\n/)
    expect(output).toMatch(/memory limit {2,}\S.* 256\.0 MiB\n/)
    expect(output).toMatch(/process limit .* 64\n/)
    expect(output).toMatch(/interfaces .* lo eth0\n/)
    expect(output).toContain('exit code 137, oomKilled true')
    expect(output).toMatch(
      /✓ Packed, pushed, pulled, run, limited and removed: 9 phases in .*, nothing left\.\n$/,
    )
    expect(output).not.toContain('\x1b')
    expect(output.match(/done in [\d.]+ m?s/g)).toHaveLength(9)
  })

  it('takes an image from a registry', async () => {
    using folder = temporaryFolder()
    await using registry = await RegistryServer.start({ root: join(folder.path, 'registry') })
    const store = await ImageStore.open(join(folder.path, 'images'))
    const reference = `${registry.address}/small:1`
    await store.add(hostImage({ programs: ['sh', 'uname'] }).image, { reference })
    await store.push(reference)
    const output = await run('demo', '--image', reference, '--', 'uname', '-n')
    expect(output).toMatch(/uname -n: started in .*, exit code 0\n {5}demo\n/)
    expect(output).toMatch(/✓ Pulled, run, limited and removed: 6 phases/)
  })

  it('says what is wrong and exits with 1', async () => {
    const { code, errors } = await launch([launcher, 'demo', '--image', '127.0.0.1:1/none'])
    expect(code).toBe(1)
    expect(errors).toMatch(/The demo failed: cannot .*127\.0\.0\.1:1/)
  })

  it('takes everything down when it is interrupted', async () => {
    const { code, errors } = await launch([launcher, 'demo'], { stopAt: 'Look around' })
    expect(code).toBe(1)
    expect(errors).toContain('interrupted by SIGTERM')
  })
})

const examplesOfUsers: readonly (readonly [string, RegExp])[] = [
  [
    'run',
    /on pasta[^]*port \d+ of this machine[^]*exec says: uid=0.*ends with 0[^]*told: go on\n{ exitCode: 3/,
  ],
  [
    'sandbox',
    /a good one: finished .*\n {2}result: {"answer":42}\n {2}wrote \/work\/report\.txt: all is well\n[^]*took too long[^]*ENETUNREACH[^]*one that changes programs: failed/,
  ],
  ['many 20', /20 are running, with 20 processes in all/],
  ['oci-bundle', /process 1 on box\n[^]*exec ended with 0\n[^]*left in the state folder: 0\n$/],
  ['namespaces-only', /It says: process 1 on inside/],
  ['registry-only', /It runs \["\/hello"\]/],
]

describeOn(
  ['root', 'overlay', 'userns', 'bin:useradd', 'bin:newuidmap', 'bin:pasta'],
  'an ordinary user with nothing set up but',
  () => {
    const tun = '/dev/net/tun'
    let mode: number
    let copy: ReturnType<typeof installedCopy>
    beforeAll(() => {
      mode = statSync(tun).mode
      chmodSync(tun, 0o666) // as udev makes it
      copy = installedCopy()
    })
    afterAll(() => {
      copy[Symbol.dispose]()
      chmodSync(tun, mode)
    })

    describe.each([
      { has: 'subordinate ids', subordinateIds: true, ids: 65_537, words: undefined },
      {
        has: 'its own id',
        subordinateIds: false,
        ids: 1,
        words:
          /only one id is mapped: \/etc\/subuid and \/etc\/subgid have no ids for user \d+; .*usermod --add-subuids/,
      },
    ])('$has', ({ subordinateIds, ids, words }) => {
      let user: OrdinaryUser
      beforeAll(() => {
        user = ordinaryUser({ subordinateIds })
      })
      afterAll(() => {
        user[Symbol.dispose]()
      })

      async function runAsUser(example: string): Promise<string> {
        const { code, output, errors } = await launch([copy.launcher, ...example.split(' ')], { as: user })
        expect({ code, errors, output }).toEqual({ code: 0, errors: '', output })
        return output
      }

      it('runs the demo, which says what it does without', async () => {
        const output = await runAsUser('demo')
        expect(output).toContain(`User ${user.uid}, not root: containers have ${ids} user ids`)
        if (words === undefined) expect(output).not.toContain('only one id is mapped')
        else expect(output).toMatch(words)
        expect(output).toMatch(/without limits: no cgroup is delegated/)
        expect(output).toMatch(/Hello from demo/)
        expect(output).toMatch(/✓ Packed, pushed, pulled, run and removed: 8 phases in .*, nothing left\.\n$/)
      })

      it.each(examplesOfUsers)('runs the example %s', async (example, expected) => {
        expect(await runAsUser(example)).toMatch(expected)
      })

      it('is told what the example run does without', async () => {
        const output = await runAsUser('run')
        expect(output).toMatch(/Without root: no cgroup is delegated/)
        if (words !== undefined) expect(output).toMatch(words)
      })

      it.each(['cgroups-only', 'custom-runtime', 'netbridge-only', 'overlay-only'])(
        'is told that %s is for root, and what there is instead',
        async (example) => {
          const { code, output, errors } = await launch([copy.launcher, example], { as: user })
          expect({ code, output }).toEqual({ code: 1, output: '' })
          expect(errors).toMatch(/^This example needs root: .* an ordinary user has:? .*\n$/)
        },
      )
    })
  },
)

describeOn(['root', 'overlay'], 'examples', () => {
  it('oci-bundle', async () => {
    const output = await run('oci-bundle')
    expect(output).toContain('process 1 on box')
    expect(output).toContain('exec ended with 0')
    expect(output).toContain('paused, at most 16 processes')
    expect(output).toContain('left in the state folder: 0')
  })

  it('namespaces-only', async () => {
    const output = await run('namespaces-only')
    expect(output).toContain('sethostname("inside", 6)')
    expect(output).toContain('It says: process 1 on inside, 64 files, mask 0077')
    expect(output).toContain('Host name there and here: inside ')
    expect(output).toMatch(/uts +\d+ {2}of user 0, in user namespace \d+/)
    expect(output).toMatch(/network +\d+ +\d+ +its own/)
    expect(output).toMatch(/A visitor says: inside has processes \/proc\/1 \/proc\/\d+/)
    expect(output).toContain('The shell ended with 0')
  })

  it('cgroups-only', async () => {
    const output = await run('cgroups-only')
    const share = Number(/endless loop used (\d+) %/.exec(output)?.[1])
    expect(share).toBeGreaterThan(5)
    expect(share).toBeLessThan(40)
    expect(output).toMatch(/Frozen: 0 µs/)
    expect(output).toMatch(/too many: refused [1-9]/)
    expect(output).toMatch(/ended by SIGKILL, out-of-memory kills: [1-9]/)
  })

  it('overlay-only', async () => {
    const output = await run('overlay-only')
    expect(output).toContain(
      'Changes of root one:\n  C /bin\n  D /bin/tool\n  C /etc\n  C /etc/motd\n  A /new.txt\n',
    )
    expect(output).toContain('Changes of root two: 0')
    expect(output).toContain('copy-on-write view of this machine: /etc/passwd')
  })

  it('netbridge-only', async () => {
    const output = await run('netbridge-only')
    expect(output.match(/→ hello from red/g)).toHaveLength(2)
    expect(output).toContain('→ hello from blue')
    expect(output).toContain('after red was detached → nobody there')
  })

  it('registry-only, as any user', async () => {
    const output = await run('registry-only')
    expect(output).toContain('The registry has tag 1.0')
    expect(output).toMatch(/Pulled [\da-f:sh]+ for linux\//)
    expect(output).toContain('It runs ["/hello"]')
  })

  it('run', async () => {
    const output = await run('run')
    expect(output).toMatch(/exec says: uid=0.* and ends with 0/)
    expect(output).toContain('told: go on\n{ exitCode: 3, signal: null, oomKilled: false }')
    expect(output).toMatch(/cannot start container .*no-such-program/)
  })

  it('sandbox', async () => {
    const output = await run('sandbox')
    expect(output).toMatch(
      /a good one: finished .*\n {2}result: {"answer":42}\n {2}wrote \/work\/report\.txt: all is well\n/,
    )
    expect(output).toContain('an endless loop: took too long')
    expect(output).toContain('a memory hog: wanted too much memory')
    expect(output).toMatch(/one that phones home: failed .*\n {2}said: .*ENETUNREACH/)
    expect(output).toMatch(/one that changes programs: failed .*\n {2}said: .*EACCES/)
  })

  it('custom-runtime', async () => {
    const output = await run('custom-runtime')
    expect(output).toContain('uid=0(root)')
    expect(output).toContain('process 1 in /proc/1\n')
    expect(output).toContain('changed: A /note')
    expect(output).toContain('exit code 7')
  })

  it('many', async () => {
    const output = await run('many', '60')
    expect(output).toContain('60 are running, with 60 processes in all')
    expect(output).toMatch(/Memory of the machine: -?\d+ KiB/)
  })
})

describeOn([], 'run.mjs', () => {
  it('names the examples that there are', async () => {
    const { code, errors } = await launch([launcher, 'none-of-them'])
    expect(code).toBe(1)
    expect(errors).toMatch(/there is no example none-of-them\..* many, .*registry-only/)
  })
})
