import { text } from 'node:stream/consumers'
import { Runtime } from '@ctr/runtime'
import { localRegistry } from './support/local-registry.js'
import { temporaryFolder } from './support/temporary-folder.js'
import { join } from 'node:path'
await using registry = await localRegistry({ programs: ['sh', 'cat', 'uname', 'id', 'sleep', 'ls','mount', 'tty', 'touch', 'chown', 'mkdir', 'chmod'] })
using folder = temporaryFolder()
await using runtime = await Runtime.open({ root: join(folder.path, 'root'), state: join(folder.path, 'state') })
await runtime.images.pull(registry.image)
const image = registry.image
const attempt = async (name: string, f: () => Promise<unknown>) => { const t = performance.now(); try { console.log(name, '=>', await f(), Math.round(performance.now() - t) + ' ms') } catch (e) { console.log(name, 'FAILED', (e as Error).message, (e as any).cause?.message, process.argv[2] ? e : '') } }
for (let i = 0; i < 3; i++) await attempt('none', async () => { await using c = await runtime.run({ image, command: ['id', '-u'], network: 'none', stdout: 'pipe' }); const o = await text(c.stdout!); await c.wait(); return o.trim() })
await attempt('user 33', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'id; mkdir -p /tmp/d; touch /tmp/d/f; chmod 700 /tmp/d; ls -ln /tmp'], user: '33:33', network: 'none', stdout: 'pipe' }); const o = await text(c.stdout!); await c.wait(); return o + JSON.stringify(await c.changes()) })
await attempt('chown', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'mkdir -p /d/e /d/x; touch /d/e/f; chown -R 33:44 /d; chmod 700 /d /d/e; chmod 000 /d/x; ls -lnR /d'], network: 'none', stdout: 'pipe' , stderr: 'inherit'}); const o = await text(c.stdout!); await c.wait(); return o + JSON.stringify(await c.changes()) })
await attempt('exec', async () => { await using c = await runtime.run({ image, command: ['sleep', '100'], network: 'none' }); const t0 = performance.now(); const e = await c.exec(['sh','-c','id; echo $$; ls /proc'], { stdout: 'pipe', stderr: 'inherit' }); const t1 = performance.now() - t0; const o = await text(e.stdout!); await e.wait(); return o + t1 + JSON.stringify(c.processes()) + JSON.stringify(await c.readFile('/etc/hostname').then(String)) })
await attempt('exec tty', async () => { await using c = await runtime.run({ image, command: ['sleep', '100'], network: 'none' }); const e = await c.exec(['sh','-c','tty; ls -ln /dev/pts'], { terminal: true }); const o = await text(e.terminal!); await e.wait(); return o })
await attempt('tty', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'tty; ls -ln /dev/pts; id'], network: 'none', terminal: true }); const o = await text(c.terminal!); await c.wait(); return o })
await attempt('host net', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'ls /sys/class/net; cat /proc/net/dev | head -3; uname -n'], network: 'host', stdout: 'pipe', stderr: 'inherit' }); const o = await text(c.stdout!); await c.wait(); return o })
await attempt('volume', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'ls -ln /v | head -3; touch /v/x'], volumes: [{ source: '/etc', target: '/v', readOnly: true }], network: 'none', stdout: 'pipe', stderr: 'pipe' }); const o = await text(c.stdout!) + await text(c.stderr!); await c.wait(); return o })
await attempt('read-only', async () => { await using c = await runtime.run({ image, command: ['sh', '-c', 'touch /x; echo $?'], readOnly: true, network: 'none', stdout: 'pipe', stderr: 'pipe' }); const o = await text(c.stdout!) + await text(c.stderr!); await c.wait(); return o })
await attempt('memory', async () => { await using c = await runtime.run({ image, command: ['id'], memory: 2**26, network: 'none' }); return c.id })
await attempt('bridge', async () => { await using c = await runtime.run({ image, command: ['id'], network: 'bridge' }); return c.id })
await attempt('rootfs /', async () => { await using c = await runtime.run({ rootfs: '/', command: ['sh', '-c', 'id; ls /; touch /usr/x; ls -l /usr/x'], network: 'none', stdout: 'pipe', stderr: 'inherit' }); const o = await text(c.stdout!); await c.wait(); return o + JSON.stringify(await c.changes()) })
await attempt('rootfs', async () => { await using c = await runtime.run({ rootfs: '/usr', command: ['/bin/ls', '/'], network: 'none', stdout: 'pipe', stderr: 'inherit' }); const o = await text(c.stdout!); await c.wait(); return o })
await attempt('port', async () => { await using c = await runtime.run({ image, command: ['sleep', '10'], publish: [{ container: 80 }] }); return JSON.stringify(c.inspect().network) })
await attempt('port taken', async () => { await using c = await runtime.run({ image, command: ['sleep', '10'], publish: [{ host: 2024, container: 80 }] }); return JSON.stringify(c.inspect().network) })
await attempt('host uts', async () => { await using c = await runtime.run({ image, command: ['sh','-c','echo x > /proc/sys/kernel/hostname; cat /proc/1/cgroup; ls /sys/fs/cgroup'], network: 'none', stdout: 'pipe', stderr: 'pipe' }); const o = await text(c.stdout!) + await text(c.stderr!); await c.wait(); return o })
await attempt('stats', async () => { await using c = await runtime.run({ image, command: ['sleep','10'], network: 'none' }); return c.stats() })
await attempt('parallel', async () => { const all = await Promise.all(Array.from({ length: 12 }, async (_, i) => { await using c = await runtime.run({ image, command: ['sleep','0.2'], network: 'none' }); if (i % 2) { const e = await c.exec(['id', '-u'], { stdout: 'pipe' }); await e.wait() } return (await c.wait()).exitCode })); return all.join() })
await runtime.reset()
