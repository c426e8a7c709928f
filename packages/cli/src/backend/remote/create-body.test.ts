import { Command } from 'commander'
import { describe, expect, it } from '@jest/globals'
import { addRunFlags, runOptions, type RunFlags } from '../../options/run-flags.js'
import { createBody } from './create-body.js'

function bodyOf(...argv: string[]): Record<string, unknown> {
  const command = new Command('run').argument('<image>').argument('[command...]').helpOption('--help')
  addRunFlags(command.passThroughOptions())
  command.parse(argv, { from: 'user' })
  const [image = '', ...rest] = command.args
  const flags = command.opts<RunFlags>()
  return createBody({ flags, options: runOptions(flags, image, rest) })
}

describe('createBody()', () => {
  it('says nothing of what was not asked for', () => {
    expect(bodyOf('i')).toEqual({
      Image: 'i',
      Env: [],
      Labels: {},
      ...{ Tty: false, OpenStdin: false, StdinOnce: false },
      ...{ AttachStdin: false, AttachStdout: true, AttachStderr: true },
      HostConfig: { NetworkMode: 'default', AutoRemove: false, ReadonlyRootfs: false, Sysctls: {} },
    })
  })

  it('hands on limits, addresses and choices that only a daemon knows', () => {
    const body = bodyOf(
      ...['--cpu-rt-period', '1000000', '--cpu-rt-runtime', '950000', '--blkio-weight-device', '/dev/a:300'],
      ...['--isolation', 'process', '--runtime', 'kata', '--volume-driver', 'nfs'],
      ...['--network', 'name=n,gw-priority=2', '--link-local-ip', '169.254.9.1', 'i'],
    )
    expect(body).toMatchObject({
      HostConfig: {
        ...{ CpuRealtimePeriod: 1_000_000, CpuRealtimeRuntime: 950_000 },
        BlkioWeightDevice: [{ Path: '/dev/a', Weight: 300 }],
        ...{ Isolation: 'process', Runtime: 'kata', VolumeDriver: 'nfs' },
      },
      NetworkingConfig: {
        EndpointsConfig: { n: { IPAMConfig: { LinkLocalIPs: ['169.254.9.1'] }, GwPriority: 2 } },
      },
    })
  })

  it("writes flags in the engine's words", () => {
    const body = bodyOf(
      ...['-dit', '--rm', '-m', '64m', '--memory-swap', '-1', '--cpus', '.5', '--pids-limit', '-1'],
      ...['-p', '127.0.0.1:80:81/udp', '-v', '/a:/b:ro', '-v', '/anonymous', '--tmpfs', '/t:size=1m'],
      ...['--mount', 'type=tmpfs,target=/m,tmpfs-size=1k', '--network', 'name=n,alias=x,ip=10.0.0.2'],
      ...['--ulimit', 'nofile=1:-1', '--device', '/dev/fuse:rw', '--restart', 'on-failure:3'],
      ...['--health-cmd', 'true', '--health-interval', '1s', '--entrypoint', '', 'i', 'ls'],
    )
    expect(body).toMatchObject({
      Cmd: ['ls'],
      Entrypoint: [''],
      Tty: true,
      OpenStdin: true,
      AttachStdin: false,
      ExposedPorts: { '81/udp': {} },
      Volumes: { '/anonymous': {} },
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1e9 },
      HostConfig: {
        NetworkMode: 'n',
        AutoRemove: true,
        Memory: 2 ** 26,
        MemorySwap: -1,
        NanoCpus: 5e8,
        PidsLimit: -1,
        PortBindings: { '81/udp': [{ HostIp: '127.0.0.1', HostPort: '80' }] },
        Binds: ['/a:/b:ro'],
        Tmpfs: { '/t': 'size=1m' },
        Mounts: [{ Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: 1024 } }],
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: -1 }],
        Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rw' }],
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
      },
      NetworkingConfig: {
        EndpointsConfig: { n: { Aliases: ['x'], IPAMConfig: { IPv4Address: '10.0.0.2' } } },
      },
    })
  })

  it('hands on links, annotations, a parent cgroup, streams and rates of devices', () => {
    const rates = ['--device-read-bps', '/dev/a:1k', '--device-write-iops', '/dev/a:7']
    expect(
      bodyOf(
        ...['--link', 'db:store', '--annotation', 'a=b', '--cgroup-parent', '/mine', '-a', 'stderr'],
        ...[...rates, 'i'],
      ),
    ).toMatchObject({
      ...{ AttachStdin: false, AttachStdout: false, AttachStderr: true },
      HostConfig: {
        Annotations: { a: 'b' },
        CgroupParent: '/mine',
        Links: ['db:store'],
        BlkioDeviceReadBps: [{ Path: '/dev/a', Rate: 1024 }],
        BlkioDeviceWriteIOps: [{ Path: '/dev/a', Rate: 7 }],
      },
    })
  })

  it.each([['--explain'], ['--rootfs'], ['--userns', 'auto'], ['--network', 'name=n,egress-rate=1mbit']])(
    'refuses %s %s, which the engine has no word for',
    (...argv) => {
      expect(() => bodyOf(...argv, 'i')).toThrow('with a daemon: leave -H and DOCKER_HOST away')
    },
  )
})
