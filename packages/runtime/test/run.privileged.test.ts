import { createServer } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { constants } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Runtime, type Container, type RunOptions, type SeccompProfile } from '../src/index.js'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

let opened: Awaited<ReturnType<typeof openRuntime>>
let runtime: Runtime

async function output(options: Partial<RunOptions>): Promise<string> {
  await using container = await runtime.run({
    image: busybox,
    network: 'none',
    stdout: 'pipe',
    stderr: 'inherit',
    ...options,
  })
  const printed = await text(container.stdout!)
  expect(await container.wait()).toMatchObject({ exitCode: 0, signal: null })
  return printed
}

const sh = (script: string, options: Partial<RunOptions> = {}): Promise<string> =>
  output({ command: ['sh', '-c', script], ...options })

describeOn(['root', 'overlay', 'bin:busybox'], 'Runtime on the real kernel', () => {
  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('runs the image with its command, environment, folder and layers', async () => {
    expect(await output({})).toBe('default command\n')
    expect(
      await sh('pwd; echo $FROM_IMAGE $HOME $MORE; cat /etc/motd; ls /etc/gone 2>&1; true', {
        env: { MORE: 'more' },
      }),
    ).toBe('/work\nyes /root more\nsecond\nls: /etc/gone: No such file or directory\n')
  })

  it('has no AppArmor profile where the kernel has none, and says so', async () => {
    expect(await sh('echo free', { apparmorProfile: 'unconfined' })).toBe('free\n')
    if (existsSync('/sys/module/apparmor/parameters/enabled')) return // apparmor.vm.test.ts
    await expect(sh('true', { apparmorProfile: 'docker-default' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_UNSUPPORTED',
      message: expect.stringContaining('AppArmor is not enabled on this host'),
    })
    await expect(sh('true', { apparmorProfile: 'a\nb' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    expect(runtime.containers()).toEqual([])
  })

  it('isolates every namespace', async () => {
    const script =
      'hostname; echo $$; ls -1 /sys/class/net; cat /proc/self/cgroup | grep -c :/$; for n in mnt uts ipc pid net cgroup; do readlink /proc/self/ns/$n; done'
    const lines = (await sh(script, { hostname: 'inside' })).trim().split('\n')
    expect(lines.slice(0, 3)).toEqual(['inside', '1', 'lo'])
    expect(Number(lines[3])).toBe(readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').length)
    const ours = readFileSync('/proc/self/mountinfo', 'utf8')
    expect(lines.slice(4)).toHaveLength(6)
    expect(ours).not.toContain(opened.folder)
  })

  it('has the security of a Docker container', async () => {
    const status = await sh('grep -E "^(CapEff|CapBnd|Seccomp|NoNewPrivs):" /proc/self/status')
    expect(status).toContain('CapEff:\t00000000a80425fb')
    expect(status).toContain('CapBnd:\t00000000a80425fb')
    expect(status).toContain('Seccomp:\t2')
    expect(await sh('cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware | wc -l')).toBe('0\n0\n')
  })

  it('has a seccomp profile of its own, in what is executed too, and each time it starts', async () => {
    const seccomp: SeccompProfile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: constants.errno.ENOSPC },
        { name: 'sethostname', action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_ADMIN'] } },
      ],
    }
    const { id } = await runtime.create({
      ...{ image: busybox, network: 'none', seccomp, command: ['sleep', '60'] },
    })
    for (const path of ['/x', '/y']) {
      const container = await runtime.start(id)
      const inside = await container.exec(['mkdir', path], { stderr: 'pipe' })
      expect(await text(inside.stderr!)).toContain('No space left on device')
      expect((await inside.wait()).exitCode).toBe(1)
      const free = await container.exec(['mkdir', path], { privileged: true })
      expect((await free.wait()).exitCode).toBe(0)
      await container.stop({ timeoutMs: 0 })
    }
    await runtime.container(id).remove()
    const admin = { capAdd: ['CAP_SYS_ADMIN'] }
    expect(await sh('hostname other 2>&1; true', { seccomp, ...admin })).toContain('not permitted')
    expect(await sh('hostname other 2>&1; true', admin)).toBe('')
  })

  it('cannot write where it must not', async () => {
    expect(
      await sh(
        'for f in /proc/sys/kernel/core_pattern /sys/kernel/profiling /proc/irq/x; do (echo x >$f) 2>/dev/null && echo $f; done; true',
      ),
    ).toBe('')
    expect(await sh('mount -t tmpfs none /mnt 2>&1; unshare -m true 2>&1; true')).toMatch(/permitted|denied/)
    expect(await sh('mknod /tmp/disk b 8 0 && cat /tmp/disk 2>&1; true')).toMatch(/not permitted/)
    expect(await sh('(echo x >/file) 2>&1; true', { readOnly: true })).toMatch(/Read-only/)
    expect(await sh('ls /proc/self/fd | wc -l')).toBe('4\n') // 0, 1, 2 and the folder itself
  })

  it('runs as a user with groups, by name and by number', async () => {
    expect(await sh('id -u; id -g; id -G; echo $HOME; grep CapEff /proc/self/status', { user: 'app' })).toBe(
      '1000\n1000\n1000 44\n/home/app\nCapEff:\t0000000000000000\n',
    )
    expect(await sh('id -u; id -g', { user: '7:8' })).toBe('7\n8\n')
    await expect(runtime.run({ image: busybox, user: 'nobody-here' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_USER_NOT_FOUND',
    })
  })

  it('sets limits and reports the out-of-memory kill', async () => {
    const limits = await sh(
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us',
      {
        memory: 64 * 2 ** 20,
        pids: 32,
        cpus: 0.5,
      },
    )
    expect(limits).toBe(`${64 * 2 ** 20}\n32\n50000\n`)
    await using hog = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'x=$(head -c 50000000 /dev/zero | tr "\\0" x); echo'],
      memory: 16 * 2 ** 20,
    })
    const exit = await hog.wait()
    expect(exit.oomKilled).toBe(true)
    expect(exit.exitCode === 0).toBe(false)
    await expect(runtime.run({ image: busybox, memory: 4096 })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_LIMIT',
    })
  })

  it('says what is wrong, each in its own way, and leaves nothing', async () => {
    const cases: [Partial<RunOptions>, string][] = [
      [{}, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: 'localhost/nothing:1' }, 'ERR_RUNTIME_IMAGE_NOT_FOUND'],
      [{ image: busybox, command: ['does-not-exist'] }, 'ERR_RUNTIME_COMMAND_NOT_FOUND'],
      [{ image: busybox, command: ['/bin/not-executable'] }, 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE'],
      [{ image: busybox, command: ['/bin/not-a-program'] }, 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE'],
      [{ image: busybox, rootfs: '/' }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, volumes: [{ source: '/does/not/exist', target: '/x' }] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, publish: [{ container: 80 }], network: 'none' }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, capAdd: ['NOT_A_CAPABILITY'] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, sysctls: { 'net.does.not.exist': '1' } }, 'ERR_RUNTIME_START'],
      [{ image: busybox, sysctls: { 'kernel.core_pattern': 'x' } }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, command: ['sh', 'a\0b'] }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, memory: 1.5 }, 'ERR_RUNTIME_INVALID_ARG'],
      [{ image: busybox, seccomp: { defaultAction: 'SCMP_ACT_NOTIFY' } }, 'ERR_RUNTIME_SECCOMP'],
      [{ image: busybox, hostname: 'a b' }, 'ERR_RUNTIME_INVALID_ARG'],
    ]
    for (const [options, code] of cases) {
      await expect(
        runtime.run({ network: options.publish === undefined ? 'bridge' : 'none', ...options }),
      ).rejects.toMatchObject({ name: 'RuntimeError', code })
    }
    expect(runtime.containers()).toEqual([])
  })

  it('publishes a port on the bridge, to localhost and between containers', async () => {
    const page = 'mkdir /www; echo "hello from $(hostname)" >/www/index.html; exec httpd -f -h /www'
    await using server = await runtime.run({
      image: busybox,
      hostname: 'web',
      command: ['sh', '-c', page],
      publish: [{ container: 80 }],
    })
    const { ports, address } = server.inspect().network
    expect(ports).toHaveLength(1)
    expect(await fetchText(`http://127.0.0.1:${ports[0]!.host}/`)).toBe('hello from web\n')
    expect(await sh(`wget -q -O - http://${address!}/`, { network: 'bridge' })).toBe('hello from web\n')
    expect(await sh('cat /etc/hosts | tail -1', { network: 'bridge', hostname: 'named' })).toMatch(
      /^[\d.]+\tnamed\n$/,
    )
    await expect(
      runtime.run({ image: busybox, publish: [{ host: ports[0]!.host, container: 80 }] }),
    ).rejects.toMatchObject({
      code: 'ERR_RUNTIME_PORT_TAKEN',
      message: expect.stringContaining('address already in use'),
    })
  })

  it('finds names as it is told', async () => {
    const dns = { nameservers: ['192.0.2.53', '2001:db8::53'], search: ['example.org'], options: ['ndots:2'] }
    const extraHosts = { db: ['10.0.0.1', 'fd00::1'], up: 'host-gateway' }
    const said = await sh('cat /etc/resolv.conf; tail -3 /etc/hosts; ip route', {
      network: 'bridge',
      dns,
      extraHosts,
    })
    const gateway = /default via (\S+)/.exec(said)![1]!
    expect(said).toContain(
      'nameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch example.org\noptions ndots:2\n',
    )
    expect(said).toContain(`10.0.0.1\tdb\nfd00::1\tdb\n${gateway}\tup\n`)
    expect(
      await sh('tail -1 /etc/hosts; cat /etc/resolv.conf', { network: 'host', dns, extraHosts }),
    ).toContain('127.0.0.1\tup\nnameserver 192.0.2.53\n')
    expect(await sh('cat /etc/resolv.conf', { network: 'host' })).toBe(
      readFileSync('/etc/resolv.conf', 'utf8'),
    )
    for (const bad of [
      { dns: { nameservers: ['a\nb'] } },
      { extraHosts: { db: 'elsewhere' } },
      { extraHosts: { up: 'host-gateway' }, network: 'none' as const },
    ]) {
      await expect(runtime.run({ image: busybox, ...bad })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
      })
    }
  })

  it('reaches the host on the host network', async () => {
    const server = createServer((_, response) => response.end('from the host'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    expect(await sh(`wget -q -O - http://127.0.0.1:${port}/`, { network: 'host' })).toBe('from the host')
    server.close()
  })

  it('mounts folders and files of the host', async () => {
    const shared = `${opened.folder}/shared`
    mkdirSync(shared)
    writeFileSync(`${shared}/in`, 'from outside\n')
    const volumes = [
      { source: shared, target: '/deep/er/shared' },
      { source: `${shared}/in`, target: '/file', readOnly: true },
    ]
    expect(
      await sh(
        'cat /deep/er/shared/in /file; echo from inside >/deep/er/shared/out; (echo x >/file) 2>&1; true',
        { volumes },
      ),
    ).toContain('from outside\nfrom outside\n')
    expect(readFileSync(`${shared}/out`, 'utf8')).toBe('from inside\n')
  })

  it('executes programs in a running container', async () => {
    await using container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sleep', '60'],
      hostname: 'target',
      memory: 32 * 2 ** 20,
    })
    const inside = await container.exec(
      [
        'sh',
        '-c',
        'hostname; ps | wc -l; cat /proc/self/cgroup | grep -c :/$; grep CapEff /proc/self/status; ls /proc/self/fd | wc -l',
      ],
      { stdout: 'pipe' },
    )
    const lines = (await text(inside.stdout!)).trim().split('\n')
    expect(lines[0]).toBe('target')
    expect(lines[3]).toBe('CapEff:\t00000000a80425fb')
    expect(lines[4]).toBe('4')
    expect(await inside.wait()).toEqual({ exitCode: 0, signal: undefined })
    const user = await container.exec(['id', '-u'], { user: 'app', stdout: 'pipe' })
    expect(await text(user.stdout!)).toBe('1000\n')
    await expect(container.exec(['nope'])).rejects.toMatchObject({ code: 'ERR_RUNTIME_COMMAND_NOT_FOUND' })
    const exits = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await container.exec(['sh', '-c', `exit ${n}`])).wait()),
    )
    expect(exits.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('loses nothing of what is printed last on a terminal', async () => {
    await using container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sleep', '600'],
    })
    const script = 'i=0; while [ $i -lt 40 ]; do echo $i; i=$((i + 1)); done'
    const wanted = Array.from({ length: 40 }, (_, number) => `${number}\r\n`).join('')
    for (let run = 0; run < 20; run++) {
      const child = await container.exec(['sh', '-c', script], { terminal: true })
      expect(await text(child.terminal!)).toBe(wanted)
    }
  })

  it('gives a terminal to run and to exec', async () => {
    await using container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'tty; stty size; read line; echo got $line'],
      terminal: { rows: 33, columns: 99 },
    })
    let printed = ''
    container.terminal!.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    await until(() => printed.includes('33 99'))
    const other = await container.exec(['sh', '-c', 'tty; stty size'], {
      terminal: { rows: 10, columns: 20 },
    })
    expect(await text(other.terminal!)).toBe('/dev/pts/1\r\n10 20\r\n')
    container.terminal!.write('hello\n')
    await container.wait()
    await until(() => printed.includes('got hello'))
    expect(printed).toContain('/dev/pts/0')
  })

  it('stops, kills, pauses and reports figures', async () => {
    await using polite = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'trap "exit 5" TERM; while true; do sleep 0.05; done'],
    })
    await sleep(100)
    expect(polite.stats().pids?.current).toBeGreaterThan(0)
    await polite.pause()
    await polite.unpause()
    expect(await polite.stop()).toMatchObject({ exitCode: 5 })
    await using stubborn = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'trap "" TERM; while true; do sleep 0.05; done'],
    })
    await sleep(100)
    expect(await stubborn.stop({ timeoutMs: 200 })).toMatchObject({ exitCode: null, signal: 9 })
    expect(() => stubborn.kill()).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_NOT_RUNNING' }))
  })

  it('shows changes and files of a copy-on-write sandbox of the host', async () => {
    await using sandbox = await runtime.run({
      rootfs: '/',
      network: 'none',
      command: ['sh', '-c', 'echo result >/root/ctr-test-result; rm /etc/debian_version'],
      stdout: 'ignore',
    })
    await sandbox.wait()
    expect((await sandbox.readFile('/root/ctr-test-result')).toString()).toBe('result\n')
    expect(await sandbox.changes()).toContainEqual(expect.objectContaining({ path: '/root/ctr-test-result' }))
    expect(existsSync('/root/ctr-test-result')).toBe(false)
    expect(existsSync('/etc/debian_version')).toBe(true)
  })

  it('lets a detached container outlive the runtime, logs, and knows how it ended', async () => {
    let id: string
    const where = { root: `${opened.folder}/detached/root`, state: `${opened.folder}/detached/state` }
    {
      await using first = await Runtime.open(where)
      const { addBusybox } = await import('./support/busybox.js')
      await addBusybox(first)
      const container = await first.run({
        image: busybox,
        name: 'keeps-going',
        detach: true,
        network: 'none',
        command: ['sh', '-c', 'echo one; echo two >&2; sleep 0.5; echo three; exit 42'],
      })
      id = container.id
    }
    await using second = await Runtime.open(where)
    const found = second.container('keeps-going')
    expect(found.id).toBe(id)
    expect(found.inspect().status).toBe('running')
    const printed: string[] = []
    for await (const { stream, bytes } of found.logs({ follow: true }))
      printed.push(`${stream}: ${bytes.toString().trim()}`)
    expect(printed).toEqual(['stdout: one', 'stderr: two', 'stdout: three'])
    expect(await found.wait()).toMatchObject({ exitCode: 42 })
    await found.remove()
    await second.reset()
  })

  it('explains every system call before it is made', async () => {
    const explained = await runtime.explain({
      image: busybox,
      network: 'none',
      command: ['true'],
      hostname: 'box',
    })
    expect(explained).toContain('fsopen("overlay", FSOPEN_CLOEXEC)')
    expect(explained).toContain('pivot_root(".", ".")')
    expect(explained).toContain('sethostname("box", 3)')
    expect(explained).toContain('execve("/bin/true"')
    expect(runtime.containers()).toEqual([])
  })

  it('ends a container when its signal aborts', async () => {
    const abort = new AbortController()
    const container: Container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sleep', '60'],
      signal: abort.signal,
    })
    abort.abort()
    expect(await container.wait()).toMatchObject({ signal: 9 })
    await until(() => runtime.containers().length === 0)
    await expect(runtime.run({ image: busybox, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it('runs 50 containers side by side', async () => {
    const printed = await Promise.all(
      Array.from({ length: 50 }, (_, n) => sh(`echo ${n}`, { network: n % 2 === 0 ? 'none' : 'bridge' })),
    )
    expect(printed).toEqual(Array.from({ length: 50 }, (_, n) => `${n}\n`))
  })
})

async function fetchText(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (attempt === 600) throw error
      await sleep(50)
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 6000 && !condition(); attempt++) await sleep(10)
  expect(condition()).toBe(true)
}
