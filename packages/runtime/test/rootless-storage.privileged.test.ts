import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, ordinaryUser, type OrdinaryUser } from '@ctr/testing'

leakCheck()

type Who = Pick<OrdinaryUser, 'uid' | 'gid' | 'home'>

const here = fileURLToPath(new URL('.', import.meta.url))
const fuse = '/dev/fuse'
const nobody: Who = { uid: 65534, gid: 65534, home: '/nonexistent' }

let worker: ReturnType<typeof bundleFile>
let user: OrdinaryUser
let fuseMode: number

function folderOf({ uid, gid }: Who): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'ctr-test-rootless-'))
  chownSync(path, uid, gid)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts the worker as an ordinary user, after a shell of root has changed the mounts that it sees. */
function start(args: readonly string[], as: Who, mounts = 'true'): ReturnType<typeof spawn> {
  const become = ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups', '--']
  const script = `${mounts}; exec "$@"`
  return spawn(
    'unshare',
    ['--mount', 'sh', '-ec', script, 'sh', ...become, process.execPath, worker.path, ...args],
    { cwd: '/', env: { PATH: process.env['PATH'], HOME: as.home }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
}

async function run(args: readonly string[], as: Who, mounts?: string): Promise<Record<string, unknown>> {
  const child = start(args, as, mounts)
  const [printed] = await Promise.all([text(child.stdout!), once(child, 'close')])
  expect(child.exitCode).toBe(0)
  return JSON.parse(printed) as Record<string, unknown>
}

/** Process ids of the servers of mounts in a folder. */
function servers(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return line.includes('lowerdir=') && line.includes(folder)
    } catch {
      return false // it has ended
    }
  })
}

function existing(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
}

describeOn(
  [
    'root',
    'overlay',
    'userns',
    'bin:busybox',
    'bin:useradd',
    'bin:newuidmap',
    'bin:fuse-overlayfs',
    'bin:tar',
  ],
  'Runtime of an ordinary user, by each way to make roots',
  () => {
    beforeAll(() => {
      worker = bundleFile(join(here, 'support', 'rootless-worker.ts'))
      for (const path of [worker.path, dirname(worker.path)]) chmodSync(path, 0o755)
      user = ordinaryUser()
      fuseMode = statSync(fuse).mode
      chmodSync(fuse, 0o666) // as udev makes it
    })
    afterAll(() => {
      chmodSync(fuse, fuseMode)
      user[Symbol.dispose]()
      worker[Symbol.dispose]()
    })

    /** What the worker sees, whatever makes its roots. */
    const expected = (storage: string, several: boolean): unknown => {
      const owner = several ? '1000:44' : '0:0'
      const tarOwner = several ? '1000/44' : '0/0'
      const filled = `private ${owner} 700 directory\nlink ${owner} 777 symbolic link\nprivate/file ${owner} 4640 regular file\nkept`
      return {
        storage,
        filled,
        restored: filled,
        limited: expect.stringMatching(/limit storage in .*: the kernel lets only root of the host do that/),
        again: 'new\n0:0 600',
        printed: 'root:x:0:\nhostname\nhosts\nmoved\nmtab\npasswd\nresolv.conf\nready\n',
        servers: storage === 'fuse-overlayfs' ? 1 : 0,
        changes: [
          ...[
            'C /etc',
            'D /etc/group',
            'D /etc/motd',
            'A /etc/moved',
            'C /etc/passwd',
            'A /new',
            'A /new/deep',
          ],
          ...['A /new/deep/file', 'A /new/same', 'C /srv', 'C /srv/private', 'D /srv/private/file'],
          ...['A /srv/private/other', 'A /work'],
        ],
        read: ['more', expect.stringMatching(/^[0-9a-f]{12}$/)],
        executed: '0\nx\n',
        stopped: true,
        diff: expect.arrayContaining([
          expect.stringMatching(/^-rw------- 0\/0 +0 etc\/\.wh\.group$/),
          expect.stringMatching(/^-rw------- 0\/0 +0 etc\/\.wh\.motd$/),
          expect.stringMatching(/ etc\/moved$/),
          expect.stringMatching(new RegExp(`^drwx${several ? '------' : 'r-xr-x'} ${tarOwner} +0 new/$`)),
          expect.stringMatching(new RegExp(`^hrw-r--r-- ${tarOwner} +0 new/same link to new/deep/file$`)),
          expect.stringMatching(/ srv\/private\/\.wh\.(\.wh\.\.opq|file)$/),
          expect.stringMatching(/ srv\/private\/other$/),
        ]),
        sameExport: true,
        exported: true,
        serversLeft: 0,
      }
    }

    it.each(['overlay', 'fuse-overlayfs', 'copy'])(
      'changes, packs and reads roots, and fills volumes, by %s',
      async (storage) => {
        using folder = folderOf(user)
        expect(await run(['stored', folder.path, storage], user)).toEqual(expected(storage, true))
      },
    )

    it.each(['fuse-overlayfs', 'copy'])(
      'does the same with the one id of the user by %s',
      async (storage) => {
        using folder = folderOf(nobody)
        expect(await run(['stored', folder.path, storage], nobody)).toEqual(expected(storage, false))
      },
    )

    /** The kernel takes no overlay as what another one writes to. */
    const onOverlay = (path: string): string => {
      const own = `${user.uid}:${user.gid}`
      return [
        `mount -t tmpfs -o mode=755 none '${path}'`,
        `cd '${path}' && mkdir lower upper work root`,
        `mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none root`,
        `chown ${own} root && mount --move root '${path}' && cd /`,
      ].join(' && ')
    }

    it('finds out that the kernel refuses overlays, and takes fuse-overlayfs', async () => {
      using folder = folderOf(user)
      const seen = await run(['stored', folder.path], user, onOverlay(folder.path))
      expect(seen).toEqual({
        ...(expected('fuse-overlayfs', true) as object),
        reason: expect.stringMatching(
          /^the kernel refuses overlays in user namespaces here \(.*fuse-overlayfs does it/,
        ),
      })
    })

    it('copies where there is no fuse-overlayfs either, and says so', async () => {
      using folder = folderOf(user)
      // not of a device that others use
      const hide = `mount -t tmpfs none /mnt; touch /mnt/x; chmod 600 /mnt/x; mount --bind /mnt/x ${fuse}`
      const seen = await run(['stored', folder.path], user, `${onOverlay(folder.path)}; ${hide}`)
      expect(seen).toEqual({
        ...(expected('copy', true) as object),
        reason: expect.stringMatching(/may not open.*a copy of its whole image/),
      })
    })

    it.each(['fuse-overlayfs', 'copy'])(
      'leaves nothing of %s after its process was killed, and detached containers go on',
      async (storage) => {
        using folder = folderOf(user)
        const child = start(['hold', folder.path, storage], user)
        const ended = once(child, 'exit')
        const [line] = (await once(child.stdout!, 'data')) as [Buffer]
        const { own, detached, onTerminal } = JSON.parse(line.toString()) as Readonly<
          Record<'own' | 'detached' | 'onTerminal', number>
        >
        child.kill('SIGKILL')
        await ended
        expect([own, detached, onTerminal].map(isRunning)).toEqual([true, true, true])
        const count = storage === 'copy' ? 0 : 3
        expect(servers(folder.path)).toHaveLength(count)
        const found = [
          { name: 'kept', pid: detached },
          { name: 'terminal', pid: onTerminal },
        ]
        const seen = await run(['after', folder.path, storage], user)
        expect(seen).toEqual({ found, printed: 'typed\r\ngot typed\r\n', kept: false, failures: 0 })
        expect([own, detached, onTerminal].map(isRunning)).toEqual([false, false, false])
        for (let tries = 0; servers(folder.path).length > 0 && tries < 1000; tries++) await sleep(20)
        expect(servers(folder.path)).toEqual([])
        const store = readdirSync(join(folder.path, 'root')).find((name) => name.startsWith('overlay-'))!
        for (const name of ['roots', 'temporary', 'flat', 'layers/sha256'])
          expect(existing(join(folder.path, 'root', store, name))).toEqual([])
      },
    )
  },
)
