import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const programs = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd', '/usr/bin/virtiofsd']

/** The program that shares folders, of qemu or a package of its own; undefined where there is none. */
export const virtiofsd = programs.find((path) => existsSync(path))

/**
 * Shares the root file system of this machine, read-only, with a virtual one. The view is in a mount namespace of its
 * own, and goes with the process.
 *
 * @param {string} folder - For the socket and the mount point.
 * @param {string} project - Is in the view even if it lies on a file system of its own.
 */
export async function shareRoot(folder, project) {
  const view = join(folder, 'view')
  const socket = join(folder, 'share.sock')
  mkdirSync(view)
  const more = statSync(project).dev === statSync('/').dev ? [] : [project]
  const script = [
    'set -e; view=$1; socket=$2; shift 2',
    'for path in / "$@"; do mount --bind "$path" "$view$path"; mount -o remount,bind,ro "$view$path"; done',
    `exec ${virtiofsd} -f --socket-path="$socket" -o source="$view" -o cache=always -o sandbox=chroot -o log_level=err`,
  ].join('\n')
  const args = [
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    '--',
    'sh',
    '-c',
    script,
    'sh',
    view,
    socket,
    ...more,
  ]
  const log = openSync(join(folder, 'share.log'), 'w')
  const child = spawn('setpriv', args, { stdio: ['ignore', log, log] })
  closeSync(log)
  for (let n = 0; n < 500 && !existsSync(socket) && child.exitCode === null; n++) await sleep(10)
  if (!existsSync(socket)) {
    child.kill('SIGKILL')
    throw new Error(`virtiofsd did not start: ${readFileSync(join(folder, 'share.log'), 'utf8')}`)
  }
  return { socket, close: () => child.kill('SIGKILL') }
}
