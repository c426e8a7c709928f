import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, ordinaryUser, type OrdinaryUser } from '@ctr/testing'

const here = fileURLToPath(new URL('.', import.meta.url))
let worker: ReturnType<typeof bundleFile>
let user: OrdinaryUser
let folder: string

/** What the worker saw in its containers. */
type Seen = Readonly<Record<string, unknown>>

/** Runs the worker as the user in a service, after a shell has done what it is told to. */
async function runService(before: string): Promise<Seen> {
  const script = join(folder, 'start.sh') // systemd has an own mind about a dollar on a command line
  writeFileSync(script, `set -e\n${before}\nexec "$@"\n`)
  const child = spawn(
    'systemd-run',
    [
      ...['--quiet', '--wait', '--pipe', '--collect', `--unit=ctr-test-${process.pid}`],
      ...[`--uid=${user.uid}`, `--gid=${user.gid}`, `--setenv=HOME=${user.home}`],
      ...[`--setenv=PATH=${process.env['PATH']}`],
      // and it must not bring a whole system up
      ...['--property=Delegate=yes', '--property=DefaultDependencies=no'],
      ...['sh', script, process.execPath, worker.path, 'limits', folder],
    ],
    { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(child.exitCode).toBe(0)
  return JSON.parse(printed) as Seen
}

const biting = {
  rootless: expect.objectContaining({ limits: true, limitsReason: null }),
  eaten: { signal: 9, oomKilled: true },
  pids: { current: true, limit: 12, limitHits: true },
  paused: true,
  isThrottled: true,
}

beforeAll(() => {
  worker = bundleFile(join(here, 'support', 'rootless-worker.ts'))
  for (const path of [worker.path, dirname(worker.path)]) chmodSync(path, 0o755)
  user = ordinaryUser()
  folder = mkdtempSync(join(tmpdir(), 'ctr-test-rootless-'))
  chownSync(folder, user.uid, user.gid)
  // these stay when a user's services have ended
  execFileSync('systemctl', ['start', 'systemd-logind.service', 'user.slice'], { stdio: 'inherit' })
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  user[Symbol.dispose]()
  worker[Symbol.dispose]()
})
leakCheck() // after the hooks above, so that it does not see the user

/** Each starts a whole Node on a processor that is translated, and some containers. */
const slow = 300_000
const needs = ['root', 'cgroup2', 'overlay', 'userns', 'bin:busybox', 'bin:useradd', 'bin:newuidmap'] as const
describeOn([...needs], 'Runtime of an ordinary user with a delegated cgroup', () => {
  it(
    'limits in a service with Delegate=yes, which keeps to a group below',
    async () => {
      const moved =
        'own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir $own/main; echo $$ >$own/main/cgroup.procs'
      const seen = await runService(moved)
      expect(seen).toEqual({ ...biting, own: `0::/system.slice/ctr-test-${process.pid}.service/main` })
    },
    slow,
  )

  it(
    'says what to do in one that does not',
    async () => {
      expect(await runService('')).toMatchObject({
        refused: expect.stringMatching(
          /^ERR_RUNTIME_LIMIT .*: the group holds processes itself, move them into a child/,
        ),
      })
    },
    slow,
  )

  it(
    'limits in the group that systemd gives to a login',
    async () => {
      const units = [
        `user@${user.uid}.service`,
        `user-runtime-dir@${user.uid}.service`,
        `user-${user.uid}.slice`,
      ]
      execFileSync('systemctl', ['start', units[0]!], { stdio: 'inherit' })
      try {
        const command = [process.execPath, worker.path, 'limits', folder]
        const child = spawn(
          'setpriv',
          [
            ...[`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'],
            ...['systemd-run', '--user', '--quiet', '--wait', '--pipe', '--collect', ...command],
          ],
          {
            cwd: '/',
            env: {
              PATH: process.env['PATH'],
              HOME: user.home,
              XDG_RUNTIME_DIR: `/run/user/${user.uid}`,
            },
            stdio: ['ignore', 'pipe', 'inherit'],
          },
        )
        const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
        expect(child.exitCode).toBe(0)
        const group = `/user.slice/user-${user.uid}.slice/user@${user.uid}.service`
        expect(JSON.parse(printed)).toEqual({
          ...biting,
          own: expect.stringMatching(`^0::${group}/app\\.slice/`),
        })
      } finally {
        execFileSync('systemctl', ['stop', ...units], { stdio: 'inherit' })
      }
    },
    slow,
  )
})
