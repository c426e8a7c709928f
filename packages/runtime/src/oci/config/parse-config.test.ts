import { describe, expect, it } from '@jest/globals'
import {
  base,
  configFixture,
  ids,
  type Json,
  messageOf,
  withLinux,
  withUser,
} from '../../../test/support/oci-config.js'
import { defaultConfig } from './default-config.js'
import { parseConfig, parseProcess } from './parse-config.js'

const parse = (config: Json) => parseConfig(JSON.stringify(config))
const withProcess = (fields: Json) => ({ ...base, process: { ...base.process, ...fields } })
const withMount = (fields: Json) => ({ ...base, mounts: [{ destination: '/a', ...fields }] })
const withHook = (fields: Json) => ({ ...base, hooks: { poststop: [{ path: '/bin/x', ...fields }] } })

describe('parseConfig()', () => {
  it.each(['runc-spec.json', 'runc-spec-rootless.json', 'crun-spec.json'])(
    'changes nothing of %s',
    (file) => {
      expect(parseConfig(configFixture(file))).toEqual(JSON.parse(configFixture(file)))
    },
  )

  it('gives a user namespace without mappings the ones that need no privilege', () => {
    const parsed = parseConfig(configFixture('crun-spec-rootless.json'))
    expect(parsed.linux?.uidMappings).toEqual([{ containerID: 0, hostID: process.geteuid!(), size: 1 }])
    expect(parsed.linux?.gidMappings).toEqual([{ containerID: 0, hostID: process.getegid!(), size: 1 }])
    expect(parse(withUser({ path: '/proc/1/ns/user' })).linux?.uidMappings).toBeUndefined()
  })

  it("reads Podman's config, with the type of the file in a device's mode", () => {
    const parsed = parseConfig(configFixture('podman-run.json'))
    expect(parsed.linux?.devices).toEqual([
      { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o600, uid: 0, gid: 0 },
    ])
    expect(parsed.linux?.seccomp?.syscalls?.length).toBeGreaterThan(5)
  })

  it.each([{ rootless: false }, { rootless: true }])('reads the default config (%j)', ({ rootless }) => {
    const config = defaultConfig({ rootless, cgroupNamespace: true })
    expect(parseConfig(JSON.stringify(config), { rootless })).toEqual(JSON.parse(JSON.stringify(config)))
  })

  it('fills in what engines leave out, and leaves out null, other platforms and unknown fields', () => {
    const parsed = parse({
      ...base,
      hostname: '',
      hooks: null,
      windows: { x: 1 },
      vm: {},
      unknown: [],
      mounts: [{ destination: 'proc', type: 'proc' }],
      annotations: { __proto__x: 'a', constructor: 'c' },
    })
    expect(parsed).toEqual({
      ...base,
      mounts: [{ destination: 'proc', type: 'proc' }],
      process: { ...base.process, user: { uid: 0, gid: 0 } },
      annotations: { __proto__x: 'a', constructor: 'c' },
    })
    expect(
      parseConfig(JSON.stringify(base).replace('{', '{"annotations":{"__proto__":"b"},')).annotations,
    ).toEqual(JSON.parse('{"__proto__":"b"}'))
  })

  it('warns of unknown capabilities and relative destinations, and goes on', () => {
    const warnings: string[] = []
    const config = {
      ...withProcess({ capabilities: { bounding: ['CAP_UNKNOWN', 'CAP_KILL'], ambient: [] } }),
      mounts: [{ destination: 'tmp', type: 'tmpfs' }],
    }
    const parsed = parseConfig(JSON.stringify(config), { warn: (warning) => warnings.push(warning) })
    expect(parsed.process?.capabilities).toEqual({ bounding: ['CAP_KILL'], ambient: [] })
    expect(warnings).toEqual([
      'mounts[0].destination: taking relative path "tmp" as relative to /',
      'process.capabilities.bounding: ignoring unknown capability "CAP_UNKNOWN"',
    ])
  })

  it('keeps every digit of 64 bits', () => {
    const text = JSON.stringify(
      withLinux({
        resources: { memory: { limit: 'A', swap: -1 } },
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [
            {
              names: ['ioctl'],
              action: 'SCMP_ACT_ERRNO',
              args: [{ index: 1, value: 'B', op: 'SCMP_CMP_EQ' }],
            },
          ],
        },
      }),
    )
      .replace('"A"', '9223372036854771712')
      .replace('"B"', '18446744073709551615')
    const { linux } = parseConfig(text)
    expect(linux?.resources?.memory).toEqual({ limit: 9223372036854771712n, swap: -1 })
    expect(linux?.seccomp?.syscalls?.[0]?.args?.[0]?.value).toBe(2n ** 64n - 1n)
  })

  it.each<[Json, string | RegExp]>([
    [{ ...base, ociVersion: '2.0.0' }, 'ociVersion must be a version 1.x.y, got "2.0.0"'],
    [{ ...base, ociVersion: 'invalid' }, 'ociVersion must be a version 1.x.y, got "invalid"'],
    [{ ...base, ociVersion: undefined }, 'ociVersion must be set: a version 1.x.y'],
    [{ ...base, ociVersion: '1.0.2-dev' }, 'accepted'],
    [{ ...base, ociVersion: '1.1.0+dev' }, 'accepted'],
    [{ ...base, process: undefined }, 'accepted'],
    [{ ...base, root: undefined }, 'root must be set: an object'],
    [{ ...base, root: { path: '' } }, 'root.path must be text that is not empty, got ""'],
    [{ ...base, root: { path: 'a\0b' } }, 'root.path must be text without NUL, got "a\\u0000b"'],
    [{ ...base, mounts: {} }, 'mounts must be a list, got an object'],
    [{ ...base, hostname: 'x'.repeat(65) }, `hostname must be at most 64 bytes, got "${'x'.repeat(65)}"`],
    [{ ...base, annotations: { a: 1 } }, 'annotations["a"] must be text, got 1'],
    [{ ...base, annotations: { '': 'a' } }, 'annotations[""] must be named by text without NUL, got ""'],
    [withProcess({ args: undefined }), 'process.args must be set: a list'],
    [withProcess({ args: [] }), 'process.args must be a program and its arguments, got ""'],
    [withProcess({ args: ['a', null] }), 'process.args[1] must be set: text'],
    [withProcess({ cwd: 'tmp' }), 'process.cwd must be an absolute path, got "tmp"'],
    [withProcess({ cwd: undefined }), 'process.cwd must be set: an absolute path'],
    [withProcess({ env: ['SECRET'] }), 'process.env[0] must be text like NAME=value, without NUL'],
    [withProcess({ env: ['A=', 'A=b=c'] }), 'accepted'],
    [withProcess({ user: { uid: -1 } }), 'process.user.uid must be an integer from 0 to 4294967295, got -1'],
    [
      withProcess({ user: { uid: 1.5 } }),
      'process.user.uid must be an integer from 0 to 4294967295, got 1.5',
    ],
    [withProcess({ user: { umask: 512 } }), 'process.user.umask must be an integer from 0 to 511, got 512'],
    [withProcess({ terminal: 'yes' }), 'process.terminal must be true or false, got "yes"'],
    [withProcess({ consoleSize: { height: -1 } }), 'accepted'],
    [
      withProcess({ terminal: true, consoleSize: { height: 70000, width: 1 } }),
      'process.consoleSize.height must be an integer from 0 to 65535, got 70000',
    ],
    [
      withProcess({ oomScoreAdj: 9999 }),
      'process.oomScoreAdj must be an integer from -1000 to 1000, got 9999',
    ],
    [
      withProcess({ rlimits: [{ type: 'RLIMIT_TEST', soft: 1, hard: 1 }] }),
      /^process.rlimits\[0\].type must be one of /,
    ],
    [
      withProcess({ rlimits: [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }] }),
      'process.rlimits[0].soft must be at most hard, which is 1, got 2',
    ],
    [
      withProcess({ rlimits: [0, 1].map(() => ({ type: 'RLIMIT_CPU', soft: 1, hard: 1 })) }),
      'process.rlimits[1] sets RLIMIT_CPU a second time',
    ],
    [
      withProcess({ capabilities: { bounding: [1] } }),
      'process.capabilities.bounding[0] must be text, got 1',
    ],
    [withProcess({ scheduler: {} }), /^process.scheduler.policy must be set: one of SCHED_OTHER, /],
    [withProcess({ scheduler: { policy: 'SCHED_BATCH', nice: 19, priority: 0 } }), 'accepted'],
    [
      withProcess({ scheduler: { policy: 'SCHED_BATCH', nice: 20 } }),
      'process.scheduler.nice must be an integer from -20 to 19, got 20',
    ],
    [
      withProcess({ scheduler: { policy: 'SCHED_FIFO' } }),
      'process.scheduler.priority must be 1 to 99 for SCHED_FIFO, got 0',
    ],
    [
      withProcess({ scheduler: { policy: 'SCHED_OTHER', priority: 1 } }),
      'process.scheduler.priority must be 0 for SCHED_OTHER, got 1',
    ],
    [
      withProcess({ scheduler: { policy: 'SCHED_RR', priority: 1, period: 5 } }),
      'process.scheduler.period is only for SCHED_DEADLINE, and process.scheduler.policy is SCHED_RR',
    ],
    [
      withProcess({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }),
      'process.ioPriority.priority must be an integer from 0 to 7, got 8',
    ],
    [withProcess({ ioPriority: { class: 'x' } }), /^process.ioPriority.class must be one of .*, got "x"$/],
    [withProcess({ execCPUAffinity: { initial: '0-3, 7,', final: '' } }), 'accepted'],
    [
      withProcess({ execCPUAffinity: { final: '3-1' } }),
      'process.execCPUAffinity.final must be a list such as 0-3,7 of numbers up to 8191, got "3-1"',
    ],
    [withHook({ path: 'x' }), 'hooks.poststop[0].path must be an absolute path, got "x"'],
    [
      withHook({ timeout: 0 }),
      'hooks.poststop[0].timeout must be an integer from 1 to 9007199254740991, got 0',
    ],
    [
      withMount({ type: 'tmpfs', uidMappings: ids }),
      'mounts[0].gidMappings must be set: ids, as mounts[0].uidMappings are',
    ],
    [withMount({ destination: '/a\0' }), 'mounts[0].destination must be text without NUL, got "/a\\u0000"'],
    [withMount({}), 'mounts[0].type must be set: a file system'],
    [
      withMount({ options: ['bind', 'idmap'], source: '/' }),
      'mounts[0].options: idmap without mappings needs a namespace of type user in linux.namespaces',
    ],
    [withMount({ options: ['bind'] }), 'mounts[0].source must be set: the path to bind'],
    [
      withMount({
        options: ['bind', 'rbind', 'ridmap', 'rro'],
        source: '.',
        uidMappings: ids,
        gidMappings: ids,
      }),
      'accepted',
    ],
    [withMount({ options: ['rbind', 'size=1'], source: '/' }), 'accepted'],
    [
      withMount({ options: ['bind', 'copy-symlink', 'src-nofollow'], source: '/' }),
      'mounts[0].options: copy-symlink excludes src-nofollow and dest-nofollow',
    ],
  ])('%j: %s', (config, message) => {
    const found = messageOf(() => parse(config))
    if (typeof message === 'string') expect(found).toBe(message)
    else expect(found).toMatch(message)
  })

  it('wants mapped ids of a caller without privileges', () => {
    const rootless = (config: Json) =>
      messageOf(() => parseConfig(JSON.stringify(config), { rootless: true }))
    expect(rootless(base)).toBe('linux.namespaces must have one of type user to be rootless')
    expect(rootless(withUser({}))).toBe('accepted')
    const mounts = [{ destination: '/dev/pts', type: 'devpts', options: ['gid=5'] }]
    expect(rootless({ ...withUser({}), mounts })).toBe(
      'mounts[0].options: gid=5 is not mapped by linux.gidMappings, as rootless needs',
    )
    expect(rootless({ ...withUser({}, { uidMappings: ids, gidMappings: ids }), mounts })).toBe('accepted')
  })
})

describe('parseProcess()', () => {
  it('reads what an exec gives, and names its fields as those of a config', () => {
    expect(parseProcess('{"args":["a"],"cwd":"/","env":["A=b"],"terminal":false}')).toEqual({
      args: ['a'],
      cwd: '/',
      env: ['A=b'],
      terminal: false,
      user: { uid: 0, gid: 0 },
    })
    expect(messageOf(() => parseProcess('{"args":["a"]}'))).toBe('process.cwd must be set: an absolute path')
    expect(messageOf(() => parseProcess('[]'))).toBe('process must be an object, got a list of 0')
    expect(messageOf(() => parseProcess('null'))).toBe('process must be an object, got null')
  })
})
