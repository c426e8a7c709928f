import { chmodSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { MS_BIND, MS_PRIVATE, MS_REC, type Program } from '@ctr/linux'
import { bundle, temporaryFolder } from '@ctr/testing'
import { spawn } from '../../src/index.js'

/** Number of a user that no host has, named `tester` where it is. */
export const USER = 54321

/** What the host of an ordinary user says about it. */
export interface UserFiles {
  /** Content of `/etc/subuid` and `/etc/subgid`. Default: nothing. */
  readonly subuid?: string
  readonly subgid?: string
}

/**
 * Runs a program as an ordinary user, made in a mount namespace: the files of users are other ones there, and the
 * host's stay as they are.
 *
 * @param program - TypeScript that imports packages by their names.
 * @returns What it printed; its errors are printed by this process.
 */
export async function runAsUser(
  program: string,
  { subuid = '', subgid = subuid }: UserFiles = {},
): Promise<string> {
  using folder = temporaryFolder()
  using bundled = bundle(program)
  chmodSync(dirname(bundled.path), 0o755)
  const files = {
    passwd: `root:x:0:0::/root:/bin/sh\ntester:x:${USER}:${USER}::/tmp:/bin/sh\n`,
    subuid,
    subgid,
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(`${folder.path}/${name}`, content)
  chmodSync(folder.path, 0o755)
  const child = await spawn({
    command: [process.execPath, bundled.path],
    env: { PATH: '/usr/bin:/bin', HOME: '/tmp' },
    cwd: '/tmp',
    namespaces: { mount: 'new' },
    user: { uid: USER, gid: USER, groups: [] },
    stdio: ['ignore', 'pipe', 'inherit'],
    prepare: (setup: Program) => {
      setup.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
      for (const name of Object.keys(files)) {
        setup.call('mount', [`${folder.path}/${name}`, `/etc/${name}`, null, MS_BIND, null])
      }
    },
  })
  const [printed] = await Promise.all([text(child.stdout!), child.wait()])
  return printed
}
