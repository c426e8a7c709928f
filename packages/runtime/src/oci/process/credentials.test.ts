import { describe, expect, it } from '@jest/globals'
import type { ConfigProcess } from '../config/config.js'
import { noLog } from '../log.js'
import { credentialsOf, type CredentialsContext } from './credentials.js'

const all = new Set(Array.from({ length: 41 }, (_, number) => number))
const process: ConfigProcess = { args: ['x'], cwd: '/', user: { uid: 1000, gid: 100 } }

function credentials(
  changes: Partial<ConfigProcess>,
  context: Partial<CredentialsContext> = {},
): { result: ReturnType<typeof credentialsOf>; warnings: string[] } {
  const warnings: string[] = []
  const log = { ...noLog, warn: (message: string) => warnings.push(message) }
  const grantable = { bounding: all, permitted: all }
  return { result: credentialsOf({ ...process, ...changes }, { grantable, log, ...context }), warnings }
}

describe('credentialsOf()', () => {
  it('has no groups and no capabilities but those of the config', () => {
    expect(credentials({})).toEqual({
      result: {
        user: { uid: 1000, gid: 100, groups: [] },
        capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
        noNewPrivileges: false,
      },
      warnings: [],
    })
  })

  it('leaves groups alone where they cannot be set', () => {
    const { result } = credentials({ user: { uid: 0, gid: 0, additionalGids: [7] } }, { setgroups: false })
    expect(result.user).toEqual({ uid: 0, gid: 0, groups: undefined })
    expect(credentials({ user: { uid: 0, gid: 0, additionalGids: [7] } }).result.user?.groups).toEqual([7])
  })

  it('warns about an ambient capability that is not inheritable', () => {
    const { result, warnings } = credentials({
      capabilities: {
        bounding: ['CAP_KILL', 'CAP_CHOWN'],
        permitted: ['CAP_KILL', 'CAP_CHOWN'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        ambient: ['CAP_KILL', 'CAP_CHOWN'],
      },
    })
    expect(result.capabilities?.ambient).toEqual([5])
    expect(warnings).toEqual([expect.stringContaining("can't raise ambient capability CAP_CHOWN: ")])
  })

  it('leaves out what cannot be granted', () => {
    const some = new Set([0, 5])
    const { result, warnings } = credentials(
      {
        capabilities: {
          bounding: ['CAP_KILL', 'CAP_SYS_RESOURCE'],
          permitted: ['CAP_KILL', 'CAP_CHOWN', 'CAP_SYS_RESOURCE'],
          effective: ['CAP_KILL', 'CAP_NET_RAW'],
          inheritable: ['CAP_KILL', 'CAP_CHOWN'],
        },
      },
      { grantable: { bounding: some, permitted: some } },
    )
    expect(result.capabilities).toEqual({
      bounding: [5],
      permitted: [5, 0],
      effective: [5],
      inheritable: [5],
      ambient: [],
    })
    expect(warnings).toEqual([
      'ignoring capabilities that cannot be granted: CAP_SYS_RESOURCE, CAP_CHOWN, CAP_NET_RAW',
    ])
  })
})
