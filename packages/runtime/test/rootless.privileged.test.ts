import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, ordinaryUser, type OrdinaryUser } from '@ctr/testing'

leakCheck()

const here = fileURLToPath(new URL('.', import.meta.url))
const tun = '/dev/net/tun'
const nobody = { uid: 65534, gid: 65534, home: '/nonexistent' }

let worker: ReturnType<typeof bundleFile>
let user: OrdinaryUser
let tunMode: number

/** Starts the worker as an ordinary user, which knows nothing of root's environment. */
function start(
  mode: string,
  folder: string,
  as: Pick<OrdinaryUser, 'uid' | 'gid' | 'home'>,
): ReturnType<typeof spawn> {
  return spawn(process.execPath, [worker.path, mode, folder], {
    uid: as.uid,
    gid: as.gid,
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: as.home },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function run(
  mode: string,
  folder: string,
  as: Pick<OrdinaryUser, 'uid' | 'gid' | 'home'>,
): Promise<Seen> {
  const child = start(mode, folder, as)
  const [printed] = await Promise.all([text(child.stdout!), once(child, 'close')])
  expect(child.exitCode).toBe(0)
  return JSON.parse(printed) as Seen
}

/** One that has ended may not have been reaped yet: its parent is the machine's first process. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
}

/** What the worker saw, by name. */
type Seen = Readonly<Record<string, unknown>>

function folderOf({ uid, gid }: Pick<OrdinaryUser, 'uid' | 'gid'>): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'ctr-test-rootless-'))
  chownSync(path, uid, gid)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

describeOn(
  [
    'root',
    'overlay',
    'userns',
    'bin:busybox',
    'bin:useradd',
    'bin:newuidmap',
    'bin:pasta',
    'bin:slirp4netns',
  ],
  'Runtime of an ordinary user',
  () => {
    beforeAll(() => {
      worker = bundleFile(join(here, 'support', 'rootless-worker.ts'))
      for (const path of [worker.path, dirname(worker.path)]) chmodSync(path, 0o755)
      user = ordinaryUser()
      tunMode = statSync(tun).mode
      chmodSync(tun, 0o666) // as udev makes it
    })
    afterAll(() => {
      chmodSync(tun, tunMode)
      user[Symbol.dispose]()
      worker[Symbol.dispose]()
    })

    it('runs containers with subordinate ids, a network and published ports', async () => {
      using folder = folderOf(user)
      const seen = await run('check', folder.path, user)
      const first = String(seen['maps']).trim().split(/\s+/).map(Number)
      expect(first.slice(0, 3)).toEqual([0, user.uid, 1])
      expect(seen['rootless']).toMatchObject({ ids: 65537, idsReason: null, network: 'pasta', limits: false })
      expect(seen['identity']).toBe('0\n0\n1\nbox')
      expect(seen['owners']).toBe('private 1000:44 700\nlink 1000:44 777\nprivate/file 1000:44 4640\nkept')
      expect(seen['whiteout']).not.toContain('gone')
      expect(seen['whiteout']).toContain('second')
      expect(seen['devices']).toMatch(/^4\nmknod: .*Operation not permitted\ncrw-rw-rw-/)
      expect(seen['capabilities']).toMatch(/CapEff:\t00000000a00425fb\n[^]*Seccomp:\t2/)
      expect(seen['mounts']).toMatch(/mount: .*denied|not permitted/)
      expect(seen['mounts']).toMatch(/can't create \/proc\/sys\/kernel\/hostname: Read-only/)
      expect(seen['volume']).toMatch(/^mine\n0:0\n.*Read-only file system$/)
      expect(seen['hostEtc']).toMatch(/^65534\ncat: .*Permission denied$/)
      expect(seen['hostNetwork']).toMatch(/^[^]*lo[^]*touch: \/sys\/x: /)
      expect(seen['asUser']).toMatch(/^uid=1000\(app\) gid=1000\(app\) groups=[^]*\n1000:1000$/)
      expect(seen['chown']).toBe('5:6')
      expect(seen['memory']).toMatch(/^ERR_RUNTIME_LIMIT cannot limit memory: no cgroup is delegated/)
      expect(seen['bridge']).toMatch(/^ERR_RUNTIME_INVALID_ARG cannot use network bridge: it needs root/)
      expect(seen['lowPort']).toMatch(/^ERR_RUNTIME_PORT_TAKEN cannot publish .*:80\/tcp: .*1024/)
      expect(seen['stats']).toMatch(/no cgroup/)
      expect(seen['exec']).toEqual({
        printed: expect.stringMatching(/^0\n0\n\d$/),
        missing: 'ERR_RUNTIME_COMMAND_NOT_FOUND',
        processes: 1,
        hostname: expect.stringMatching(/^[0-9a-f]{12}$/),
        changes: [
          { kind: 'A', path: '/made' },
          { kind: 'A', path: '/work' },
        ],
      })
      expect(seen['terminal']).toBe('/dev/pts/0\n10 20\nterminal')
      expect(seen['parallel']).toEqual(['0', '1', '2', '3', '4', '5'])
      const words = expect.stringMatching(/^pasta, .*has ended: the container has no network any more/)
      expect(seen['lost']).toEqual({
        before: null,
        told: words,
        noted: words,
        log: expect.stringMatching(/^ctrjs: pasta, .* start it anew\n$/),
        inside: expect.stringMatching(/unreachable|100% packet loss/),
        atEnd: null,
      })
      expect(seen['published']).toEqual({
        answer: 'hello',
        inside: '1\ndone', // neither our loopback nor the gateway leads to the host's
        taken: expect.stringMatching(/^ERR_RUNTIME_PORT_TAKEN .*already in use/),
      })
    })

    it('runs them with the one id of the user, where there are no others, and says what that means', async () => {
      using folder = folderOf(nobody)
      chmodSync(tun, 0o600)
      const seen = await run('check', folder.path, nobody).finally(() => chmodSync(tun, 0o666))
      expect(seen['rootless']).toMatchObject({
        ids: 1,
        idsReason: expect.stringMatching(/only one id is mapped: .*subuid/),
        network: null,
        networkReason: expect.stringContaining('/dev/net/tun'),
      })
      expect(seen['identity']).toBe('0\n0\n1\nbox')
      expect(seen['owners']).toBe('private 0:0 700\nlink 0:0 777\nprivate/file 0:0 4640\nkept')
      expect(seen['asUser']).toMatch(
        /^ERR_RUNTIME_INVALID_ARG cannot run as user 1000: that id is not mapped; only/,
      )
      expect(seen['terminal']).toBe('/dev/pts/0\n10 20\nterminal')
      expect(seen['exec']).toMatchObject({ printed: expect.stringMatching(/^0\n0\n\d$/) })
    })

    it('runs bundles of the OCI runtime specification', async () => {
      using folder = folderOf(user)
      const seen = await run('oci', folder.path, user)
      expect(seen).toEqual({
        created: 'created',
        running: 'running',
        executed: 0,
        printed: ['', expect.stringMatching(new RegExp(`^ +0 +${user.uid} +1$`)), '0', '0', '1', 'device'],
        signal: 9,
        limited: expect.stringMatching(/cgroup.*EACCES/),
        left: 0,
      })
    })

    it('connects and publishes by slirp4netns, where there is no pasta', async () => {
      using folder = folderOf(user)
      // what cannot be executed is not there
      const hidden = join(folder.path, 'hidden')
      writeFileSync(hidden, '', { mode: 0o600 })
      const hide = `for file in $(which -a pasta); do mount --bind '${hidden}' "$file"; done; exec "$@"`
      const as = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--']
      const child = spawn(
        'unshare',
        ['--mount', 'sh', '-c', hide, 'sh', ...as, process.execPath, worker.path, 'network', folder.path],
        {
          cwd: '/',
          env: { PATH: process.env['PATH'], HOME: user.home },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
      expect(child.exitCode).toBe(0)
      expect(JSON.parse(printed)).toEqual({
        rootless: expect.objectContaining({ network: 'slirp4netns', networkReason: null }),
        tcp: {
          answer: 'hello',
          inside: '1\ndone',
          taken: expect.stringMatching(/^ERR_RUNTIME_PORT_TAKEN .*already in use/),
        },
        udp: expect.stringMatching(/^ERR_RUNTIME_PORT_TAKEN .*udp: address already in use/),
      })
    })

    it('cleans up after it was killed, and detached containers go on', async () => {
      using folder = folderOf(user)
      const child = start('hold', folder.path, user)
      const ended = once(child, 'exit')
      const [line] = (await once(child.stdout!, 'data')) as [Buffer]
      const pids = JSON.parse(line.toString()) as Readonly<Record<'own' | 'detached' | 'onTerminal', number>>
      const { own, detached, onTerminal } = pids
      child.kill('SIGKILL')
      await ended
      expect([own, detached, onTerminal].map(isRunning)).toEqual([true, true, true])
      const seen = await run('after', folder.path, user)
      const found = [
        { name: 'kept', pid: detached },
        { name: 'terminal', pid: onTerminal },
      ]
      expect(seen).toEqual({ found, printed: 'typed\r\ngot typed\r\n', kept: false, failures: 0 })
      expect([own, detached, onTerminal].map(isRunning)).toEqual([false, false, false])
    })
  },
)
