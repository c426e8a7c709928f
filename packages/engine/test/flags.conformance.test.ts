import { readlinkSync, writeFileSync } from 'node:fs'
import { constants, hostname } from 'node:os'
import { beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

/** Flags of `docker run`, what is run with them in the container, and what it prints. */
type Row = readonly [flags: string, command: string, printed: string | RegExp]

const cgroup = (file: string): string => `cat /sys/fs/cgroup/${file}`
const status = (name: string): string => `awk '/^${name}:/ { print $2 }' /proc/self/status`
const mountOptions = (path: string): string => `awk '$2 == "${path}" { print $4 }' /proc/mounts`
/** The signal mask of capabilities that Docker gives by default. */
const defaultCapabilities = '00000000a80425fb'

/** As Docker's files have it: without the call there is no room for folders. */
const seccompProfile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] }],
  syscalls: [
    {
      names: ['mkdir', 'mkdirat'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: constants.errno.ENOSPC,
      comment: '',
      includes: { arches: ['amd64', 'arm64'] },
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
  ],
}

const rows: readonly Row[] = [
  [
    '--init',
    'cat /proc/1/comm; cat /proc/1/cmdline | tr "\\0" " "',
    /^docker-init\n\/sbin\/docker-init -- sh -c/,
  ],
  ['--init', '(sleep 0.1 &) ; sleep 1; ps -o stat,comm | grep -c Z', '0'],
  ['--privileged', 'test -b /dev/loop0 || test -c /dev/kmsg && echo device', 'device'],
  ['--privileged', `${mountOptions('/sys')} | cut -d, -f1`, 'rw'],
  ['--privileged', status('Seccomp'), '0'],
  ['--privileged', 'mount -t tmpfs none /tmp && echo mounted', 'mounted'],
  ['', status('CapEff'), defaultCapabilities],
  ['--cap-drop ALL', status('CapBnd'), '0000000000000000'],
  ['--cap-drop ALL --cap-add NET_ADMIN', status('CapEff'), '0000000000001000'],
  ['--security-opt no-new-privileges', status('NoNewPrivs'), '1'],
  ['--security-opt seccomp=unconfined', status('Seccomp'), '0'],
  ['--security-opt seccomp=FOLDER/seccomp.json', 'mkdir /x 2>&1', /No space left on device/],
  ['--security-opt systempaths=unconfined', `${mountOptions('/proc/sys')}; echo none`, 'none'],
  [
    '--device /dev/zero:/dev/of/nothing:r',
    'head -c 3 /dev/of/nothing | wc -c; stat -c %t:%T /dev/of/nothing',
    '3\n1:5',
  ],
  ['--device /dev/null:/dev/hole:r', 'echo x 2>/dev/null >/dev/hole; echo $?', '0'],
  [
    '--device /dev/fuse:/dev/in/fuse:r',
    '(exec 3</dev/in/fuse) && echo read; (exec 3<>/dev/in/fuse) 2>&1',
    /^read\n.*not permitted/,
  ],
  ['--device-cgroup-rule', 'mknod /tmp/fuse c 10 229; (exec 3</tmp/fuse) && echo open', 'open'],
  ['', 'mknod /tmp/fuse c 10 229; (exec 3</tmp/fuse) 2>&1', /not permitted/],
  ['--ulimit nofile=123:456', 'ulimit -Sn; ulimit -Hn', '123\n456'],
  ['--cap-add ALL', 'grep -c CapEff /proc/self/status', '1'],
  ['--hostname h.example.org', 'tail -1 /etc/hosts | cut -f2', 'h.example.org h'],
  ['--hostname h --domainname example.org', 'tail -1 /etc/hosts | cut -f2', 'h.example.org h'],
  ['--security-opt label=type:other', 'echo as without', 'as without'],
  ['--ulimit core=0', 'ulimit -c', '0'],
  ['--tmpfs /run', mountOptions('/run'), /rw,nosuid,nodev,noexec/],
  [
    '--tmpfs /run:size=64k,mode=700,exec',
    `${mountOptions('/run')}; stat -c %a /run`,
    /^rw,nosuid,nodev,.*size=64k,mode=700.*\n700$/,
  ],
  [
    '--mount type=tmpfs,dst=/a/b,tmpfs-size=1m,tmpfs-mode=1770',
    'df -k /a/b | tail -1 | tr -s " " | cut -d" " -f2; stat -c %a /a/b',
    '1024\n1770',
  ],
  ['--shm-size 1m', 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', '1024'],
  [
    '--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=4242',
    'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
    '1\n4242',
  ],
  ['--pid host', 'ls -d /proc/$PPID /proc/1 >/dev/null && readlink /proc/self/ns/pid', 'HOST pid'],
  ['--ipc host', 'readlink /proc/self/ns/ipc', 'HOST ipc'],
  ['--ipc none', 'ls /dev/shm | wc -l; grep -c " /dev/shm " /proc/mounts', '0\n0'],
  ['--uts host', 'hostname; readlink /proc/self/ns/uts', `${hostname()}\nHOST uts`],
  ['--cgroupns host', 'readlink /proc/self/ns/cgroup', 'HOST cgroup'],
  [
    '--hostname web --domainname example.org',
    'hostname; cat /proc/sys/kernel/domainname',
    'web\nexample.org',
  ],
  ['--group-add 7 --group-add app', 'id -G', '0 7 1000'],
  ['--user app --group-add 8', 'id -u; id -G', '1000\n1000 8'],
  [
    '--read-only --tmpfs /tmp',
    '(echo x >/x) 2>&1; echo y >/tmp/y && cat /tmp/y',
    /Read-only file system[^]*\ny$/,
  ],
  ['--oom-score-adj 500', 'cat /proc/self/oom_score_adj', '500'],
  ['--workdir /made/here', 'pwd', '/made/here'],
  ['-e A=1 -e B', 'echo $A', '1'],
  ['--mount type=volume,dst=/data', 'echo x >/data/x && cat /data/x', 'x'],
  [
    '--mount type=bind,src=FOLDER,dst=/bound,readonly',
    'cat /bound/file; (echo x >/bound/file) 2>&1',
    /^of the host\n.*Read-only/,
  ],
  ['-v FOLDER:/bound:ro', 'cat /bound/file', 'of the host'],
  ['--volumes-from giver', 'cat /given/file', 'given'],
  ['--volumes-from giver:ro', '(echo x >/given/file) 2>&1', /Read-only/],
]

/** Limits and the files of the container's own cgroup that have them, of v1. */
const limits: readonly Row[] = [
  ['--memory 32m', cgroup('memory/memory.limit_in_bytes'), String(32 * 2 ** 20)],
  [
    '--memory 32m --memory-reservation 16m',
    cgroup('memory/memory.soft_limit_in_bytes'),
    String(16 * 2 ** 20),
  ],
  ['--memory 32m --memory-swappiness 7', cgroup('memory/memory.swappiness'), '7'],
  [
    '--memory 32m --oom-kill-disable',
    `${cgroup('memory/memory.oom_control')} | head -1`,
    'oom_kill_disable 1',
  ],
  ['--cpus 0.5', cgroup('cpu/cpu.cfs_quota_us'), '50000'],
  [
    '--cpu-quota 20000 --cpu-period 40000',
    `${cgroup('cpu/cpu.cfs_quota_us')}; ${cgroup('cpu/cpu.cfs_period_us')}`,
    '20000\n40000',
  ],
  ['--cpu-shares 77', cgroup('cpu/cpu.shares'), '77'],
  [
    '--cpuset-cpus 0 --cpuset-mems 0',
    `${cgroup('cpuset/cpuset.cpus')}; ${cgroup('cpuset/cpuset.mems')}`,
    '0\n0',
  ],
  ['--pids-limit 55', cgroup('pids/pids.max'), '55'],
]

describeOn(needs, 'flags of docker run', () => {
  const suite = setUp()
  const namespaces: Record<string, string> = {}

  beforeAll(async () => {
    writeFileSync(`${suite.folder}/file`, 'of the host\n')
    writeFileSync(`${suite.folder}/seccomp.json`, JSON.stringify(seccompProfile, undefined, 2))
    await suite.ok('create', '--name', 'giver', '-v', '/given', '--network', 'none', image)
    await suite.ok(
      ...['run', '--rm', '--volumes-from', 'giver', '--network', 'none', image],
      ...['sh', '-c', 'echo given >/given/file'],
    )
    for (const kind of ['pid', 'ipc', 'uts', 'cgroup'])
      namespaces[`HOST ${kind}`] = readlinkSync(`/proc/self/ns/${kind}`)
  })

  async function check(flags: string, command: string, printed: string | RegExp): Promise<void> {
    const words = flags === '' ? [] : flags.replaceAll('FOLDER', suite.folder).split(' ')
    if (flags === '--device-cgroup-rule') words.push('c 10:229 rwm')
    const args = ['run', '--rm', '--network', 'none', ...words, image, 'sh', '-c', command]
    const { stdout, stderr, code } = await suite.docker(...args)
    const output = Object.entries(namespaces).reduce((text, [name, id]) => text.replace(id, name), stdout)
    expect({ output: output.trim(), stderr, code: code === 125 ? code : 0 }).toEqual({
      output: typeof printed === 'string' ? printed : expect.stringMatching(printed),
      stderr: '',
      code: 0,
    })
  }

  it.each(rows)('%s: %s', check)

  it.each(limits)('%s: %s', async (flags, command, printed) => {
    if ((await suite.ok('info', '-f', '{{.CgroupVersion}}')) === '1') await check(flags, command, printed)
    else await check(flags, 'echo started', 'started')
  })

  it('lets processes be seen and ended, and nothing of a shared pid namespace be left', async () => {
    await suite.ok('run', '-d', '--name', 'seen', '--network', 'none', image, 'sleep', '1000')
    const see = ['--pid', 'container:seen', '--network', 'none', image]
    expect(await suite.ok('run', '--rm', ...see, 'cat', '/proc/1/comm')).toBe('sleep')
    await suite.ok('run', '-d', '--name', 'sees', ...see, 'sh', '-c', 'sleep 1001 & sleep 1002')
    expect(await suite.ok('exec', 'seen', 'ps', '-o', 'args')).toMatch(/sleep 100[12]\nsleep 100[12]\n/)
    await suite.ok('stop', '-t', '0', 'sees')
    expect(await suite.ok('exec', 'seen', 'ps', '-o', 'args')).not.toMatch(/sleep 100[12]/)
    await suite.ok('rm', '-f', 'seen', 'sees')
  })

  it('stops by the signal and after the time that were asked for', async () => {
    const script = 'trap "exit 3" USR1; while :; do sleep 0.1; done'
    const flags = ['--stop-signal', 'USR1', '--stop-timeout', '600', '--network', 'none']
    await suite.ok('run', '-d', '--name', 'stops', ...flags, image, 'sh', '-c', script)
    await suite.ok('stop', 'stops')
    expect(await suite.ok('wait', 'stops')).toBe('3')
    await suite.ok('rm', 'stops')
    const init = ['--init', '--network', 'none', image, 'sh', '-c', script]
    await suite.ok('run', '-d', '--name', 'under-init', '--stop-signal', 'USR1', ...init)
    await suite.ok('stop', 'under-init')
    expect(await suite.ok('wait', 'under-init')).toBe('3')
    await suite.ok('rm', 'under-init')
  })

  it('gives a program that is executed everything with --privileged, and limits all the same', async () => {
    const flags = ['--ulimit', 'nofile=99', '--cap-drop', 'ALL', '--network', 'none']
    await suite.ok('run', '-d', '--name', 'host', ...flags, image, 'sleep', '1000')
    expect(await suite.ok('exec', 'host', 'sh', '-c', `${status('CapEff')}; ulimit -n`)).toBe(
      '0000000000000000\n99',
    )
    expect(await suite.ok('exec', '--privileged', 'host', 'sh', '-c', status('CapEff'))).toMatch(
      /[1-9a-f]{6}/,
    )
    await suite.ok('rm', '-f', 'host')
  })

  it.each([
    ['--device /dev/no-such', 'it is not there'],
    ['--device /etc/passwd', 'below /dev'],
    ['--ulimit nofile=9:5', ''],
    ['--pid container:no-such', 'no-such'],
    ['--tmpfs /run:bad=1', 'bad=1'],
    ['--tmpfs relative', 'absolute'],
    ['--uts host --hostname x', 'host name'],
    ['--ipc container:giver', 'IpcMode'],
    ['--sysctl kernel.panic=1', 'kernel.panic'],
    ['--memory-swap 64m', 'You should always set the Memory limit'],
    ['--memory 1m', 'Minimum memory limit allowed is 6MB'],
    ['--memory 64m --memory-swap 32m', 'Minimum memoryswap limit'],
    ['--memory 64m --memory-reservation 65m', 'memory reservation limit'],
    ['--oom-score-adj 1001', 'range for oom score adj'],
    ['--cpus 5000', 'range of CPUs is from 0.01 to'],
    ['--cpu-period 999', 'CPU cfs period'],
    ['--cpu-quota 999', 'CPU cfs quota'],
    ['--cpuset-cpus 0-5000', 'Requested CPUs are not available - requested 0-5000'],
    ['--cpuset-cpus 3-1', 'Invalid value 3-1 for cpuset cpus'],
    ['--cpuset-mems 77', 'Requested memory nodes are not available'],
    ['--cgroup-parent /x/../../y', 'without ".."'],
    ['--cgroup-parent /', 'it is the top'],
    ['--gpus all', 'DeviceRequests'],
    ['--storage-opt size=none', 'HostConfig.StorageOpt.size'],
    ['--storage-opt other=1', 'StorageOpt'],
  ])('refuses %s', async (flags, said) => {
    const { code, stderr } = await suite.docker(
      'run',
      '--rm',
      '--network',
      'none',
      ...flags.split(' '),
      image,
      'true',
    )
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining(said) })
  })
})
