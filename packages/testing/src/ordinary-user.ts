import { execFileSync } from 'node:child_process'

/** An ordinary user of this machine, made for a test. */
export interface OrdinaryUser extends Disposable {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

let made = 0

/** What the user is to have. */
export interface OrdinaryUserOptions {
  /** Ranges in `/etc/subuid` and `/etc/subgid`, as useradd(8) gives them. Default true. */
  readonly subordinateIds?: boolean
}

/** Makes a user with useradd(8); `userdel` takes everything away at the end of the block. */
export function ordinaryUser({ subordinateIds = true }: OrdinaryUserOptions = {}): OrdinaryUser {
  const name = `ctr-test-${process.pid}-${made++}`
  const noIds = ['SUB_UID_COUNT=0', 'SUB_GID_COUNT=0'].flatMap((setting) => ['--key', setting])
  const args = ['--create-home', '--shell', '/bin/sh', ...(subordinateIds ? [] : noIds), name]
  execFileSync('useradd', args, { stdio: 'pipe' })
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
