import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { deviceRates, withDeviceRates } from './device-rate-flags.js'
import { detachKeysOf, joinedStreams, passesSignals } from './join-flags.js'
import { addRunFlags, runOptions, type RunFlags } from './run-flags.js'

function parse(...argv: string[]): ReturnType<typeof runOptions> {
  const command = new Command('run').argument('<image>').argument('[command...]').helpOption('--help')
  addRunFlags(
    command
      .passThroughOptions()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined }),
  )
  command.parse(argv, { from: 'user' })
  const [image = '', ...rest] = command.args
  return runOptions(command.opts<RunFlags>(), image, rest)
}

const parsed = (...argv: string[]): RunFlags => {
  const command = new Command('run').argument('<image>')
  addRunFlags(command.exitOverride().configureOutput({ writeErr: () => undefined }))
  command.parse([...argv, 'image'], { from: 'user' })
  return command.opts<RunFlags>()
}

describe('joinedStreams() and passesSignals()', () => {
  it('joins what is printed, and input with -i, or what -a names', () => {
    expect([...joinedStreams(parsed())]).toEqual(['stdout', 'stderr'])
    expect([...joinedStreams(parsed('-i'))]).toEqual(['stdout', 'stderr', 'stdin'])
    expect([...joinedStreams(parsed('-a', 'STDERR', '--attach=stdin'))]).toEqual(['stderr', 'stdin'])
    expect(() => joinedStreams(parsed('-a', 'all'))).toThrow('invalid argument "all" for -a, --attach')
  })

  it('passes signals on unless told otherwise', () => {
    expect(passesSignals(parsed())).toBe(true)
    expect(passesSignals(parsed('--sig-proxy=true'))).toBe(true)
    expect(passesSignals(parsed('--sig-proxy=false'))).toBe(false)
    expect(() => passesSignals(parsed('--sig-proxy=maybe'))).toThrow('for --sig-proxy')
  })
})

describe('detachKeysOf()', () => {
  it('reads keys as terminals send them', () => {
    expect([...detachKeysOf()]).toEqual([0x10, 0x11])
    expect([...detachKeysOf('ctrl-A,x,ctrl-]')]).toEqual([1, 0x78, 0x1d])
    for (const text of ['', 'ctrl-1', 'ab', 'ctrl-p,'])
      expect(() => detachKeysOf(text)).toThrow('for --detach-keys')
  })
})

describe('deviceRates()', () => {
  it('reads devices and how much of them', () => {
    const flags = parsed('--device-read-bps', '/dev/sda:1mb', '--device-write-iops', '/dev/a:b:50')
    expect(deviceRates(flags, 'deviceReadBps')).toEqual([{ path: '/dev/sda', rate: 2 ** 20 }])
    expect(deviceRates(flags, 'deviceWriteIops')).toEqual([{ path: '/dev/a:b', rate: 50 }])
    expect(deviceRates(flags, 'deviceReadIops')).toBeUndefined()
    expect(deviceRates(parsed('--blkio-weight-device', '/dev/sda:300'), 'blkioWeightDevice')).toEqual([
      { path: '/dev/sda', rate: 300 },
    ])
    expect(() => deviceRates({ blkioWeightDevice: ['x'] }, 'blkioWeightDevice')).toThrow('/dev/NAME:WEIGHT')
    for (const text of ['sda:1', '/dev/sda', '/dev/sda:', '/dev/sda:fast'])
      expect(() => deviceRates({ deviceReadBps: [text] }, 'deviceReadBps')).toThrow('--device-read-bps')
  })

  it('needs block devices of this machine where there is no daemon', () => {
    expect(withDeviceRates({ image: 'i' }, {})).toEqual({ image: 'i' })
    expect(() => withDeviceRates({ image: 'i' }, { deviceReadBps: ['/dev/null:1'] })).toThrow(
      'it is no block device of this host',
    )
  })
})

describe('runOptions()', () => {
  it("takes an image and its command; flags behind the image are the command's", () => {
    expect(parse('--rm', '-it', 'busybox', 'ls', '-l', '--rm')).toMatchObject({
      image: 'busybox',
      command: ['ls', '-l', '--rm'],
      autoRemove: true,
      network: undefined,
    })
  })

  it('takes a folder with --rootfs', () => {
    expect(parse('--rootfs', '/')).toMatchObject({ rootfs: '/', command: undefined })
    expect(parse('--rootfs', '/')).not.toHaveProperty('image')
  })

  it('reads limits, 0 and -1 standing for none', () => {
    expect(
      parse(
        '-m64m',
        '--memory-swap=128m',
        '--cpus',
        '.5',
        '-c',
        '512',
        '--cpuset-cpus',
        '0-1',
        '--pids-limit',
        '64',
        '--shm-size',
        '1m',
        'i',
      ),
    ).toMatchObject({
      memory: 2 ** 26,
      memorySwap: 2 ** 27,
      cpus: 0.5,
      cpuShares: 512,
      cpusetCpus: '0-1',
      pids: 64,
      shmSize: 2 ** 20,
    })
    const none = parse('-m', '0', '--memory-swap', '-1', '--pids-limit', '-1', 'i')
    for (const name of ['memory', 'memorySwap', 'pids', 'resources']) expect(none).not.toHaveProperty(name)
    expect(
      parse('--memory-reservation', '32m', '--cpu-quota', '5000', '--blkio-weight', '0', 'i').resources,
    ).toEqual({ memory: { reservation: 2 ** 25 }, cpu: { quota: 5000 } })
  })

  it('collects what may be given several times', () => {
    const options = parse(
      '-e',
      'A=1',
      '-eB=2',
      '-p',
      '1:2',
      '-p',
      '3',
      '-v',
      '/a:/b',
      '-l',
      'x=y',
      '-l',
      'z',
      '--cap-add',
      'NET_ADMIN',
      '--sysctl',
      'net.a=1',
      'i',
    )
    expect(options).toMatchObject({
      env: { A: '1', B: '2' },
      publish: [{ host: 1, container: 2 }, { container: 3 }],
      volumes: [{ source: '/a', target: '/b', readOnly: false }],
      labels: { x: 'y', z: '' },
      capAdd: ['NET_ADMIN'],
      sysctls: { 'net.a': '1' },
    })
  })

  it('reads mounts', () => {
    const options = parse(
      ...['-v', '/a:/b', '--tmpfs', '/t'],
      ...['--mount', 'type=bind,src=/c,dst=/d,readonly', '--mount', 'source=data,target=/e,volume-nocopy'],
      ...['--mount', 'type=tmpfs,destination=/f,tmpfs-size=1m,tmpfs-mode=700', 'i'],
    )
    expect(options).toMatchObject({
      volumes: [
        { source: '/a', target: '/b' },
        { source: '/c', target: '/d', readOnly: true },
        { volume: 'data', target: '/e', readOnly: false, copy: false },
      ],
      tmpfs: { '/t': '', '/f': 'size=1048576,mode=700' },
    })
  })

  it.each([
    ['type=bind,source=x,target=/y', 'source must be an absolute path'],
    ['type=image,target=/y', 'the type must be bind, volume or tmpfs'],
    ['type=tmpfs,target=/y,bind-propagation=rshared', 'a tmpfs has no bind-propagation'],
    ['target=y', 'target must be an absolute path'],
    ['type=tmpfs,target=/y,tmpfs-mode=9', 'tmpfs-mode must be octal'],
    ['target=/y,readonly=maybe', 'maybe is neither true nor false'],
  ])('refuses --mount %s', (text, why) => {
    expect(() => parse('--mount', text, 'i')).toThrow(why)
  })

  it('takes an entrypoint away with an empty one', () => {
    expect(parse('--entrypoint', '', 'i', 'ls').entrypoint).toEqual([])
    expect(parse('--entrypoint', '/bin/sh', 'i').entrypoint).toEqual(['/bin/sh'])
    expect(parse('i').entrypoint).toBeUndefined()
  })

  it('reads security options and refuses others', () => {
    expect(
      parse('--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined', 'i'),
    ).toMatchObject({
      noNewPrivileges: true,
      seccomp: 'unconfined',
    })
    using folder = temporaryFolder()
    const file = join(folder.path, 'seccomp.json')
    writeFileSync(file, '{"defaultAction":"SCMP_ACT_ALLOW","comment":"Docker has more"}')
    expect(parse('--security-opt', `seccomp=${file}`, 'i').seccomp).toEqual({
      defaultAction: 'SCMP_ACT_ALLOW',
    })
    expect(() => parse('--security-opt', 'seccomp=/not/there', 'i')).toThrow('ENOENT')
    expect(() => parse('--security-opt', 'seccomp=/dev/null', 'i')).toThrow('it is not JSON')
    for (const word of ['apparmor=own:profile', 'apparmor:own:profile'])
      expect(parse('--security-opt', word, 'i').apparmorProfile).toBe('own:profile')
    expect(parse('i')).not.toHaveProperty('apparmorProfile')
    expect(() => parse('--security-opt', 'apparmor=', 'i')).toThrow('invalid --security-opt')
    expect(() => parse('--security-opt', 'label=disable', 'i')).toThrow(
      'invalid --security-opt "label=disable"',
    )
  })

  it('refuses numbers that are none', () => {
    expect(() => parse('--cpus', 'many', 'i')).toThrow('invalid argument "many" for --cpus')
  })
})
