import { execFileSync } from 'node:child_process'

/** An ordinary user of this machine, made for a test. */
export interface OrdinaryUser extends Disposable {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

let made = 0

/**
 * Makes a user with useradd(8), which gives it ranges in `/etc/subuid` and `/etc/subgid`; `userdel` takes everything
 * away at the end of the block.
 */
export function ordinaryUser(): OrdinaryUser {
  const name = `ctr-test-${process.pid}-${made++}`
  execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', name], { stdio: 'pipe' })
  const [uid, gid, home] = (['-u', '-g'] as const)
    .map((flag) => execFileSync('id', [flag, name], { encoding: 'utf8' }).trim())
    .concat(`/home/${name}`) as [string, string, string]
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
    [Symbol.dispose]() {
      execFileSync('userdel', ['--remove', '--force', name], { stdio: 'pipe' })
    },
  }
}
