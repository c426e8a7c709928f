import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { quote, writeInitramfs } from './initramfs.mjs'
import { kernelOf } from './kernel.mjs'
import { shareRoot } from './share.mjs'

/** The project's folder, here and in the machine. */
export const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const memory = '2G'

/**
 * Boots a machine, runs a command in it and takes it down again. The command sees the file system of this machine,
 * with changes that nobody else sees, and its output is ours.
 *
 * @param {import('./machines.mjs').Machine} machine
 * @param {string[]} command - Runs as root in the project's folder.
 * @param {{ timeoutMs: number }} options
 * @returns {Promise<number>} The command's exit code.
 * @throws Error with the end of the console, when the machine does not end by itself in time or loses the command.
 */
export async function runInMachine(machine, command, { timeoutMs }) {
  const kernel = kernelOf(machine)
  const folder = mkdtempSync(join(tmpdir(), 'vm-ctr-')) // not what tests beside it look for as left by them
  const clean = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', clean)
  let share
  try {
    share = await shareRoot(folder, project)
    const initramfs = writeInitramfs(folder, kernel, job(command), {
      INIT: machine.init,
      PROJECT: project,
      MODULES: kernel.modules,
      BUSYBOX: execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim(),
    })
    const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...qemuLine(folder, kernel, initramfs, share)], {
      // its input stays open: at its end qemu would close the output too
      stdio: ['pipe', 'inherit', 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    await once(qemu, 'close')
    return exitCode(folder, timeoutMs)
  } finally {
    share?.close()
    clean()
    process.off('exit', clean)
  }
}

function qemuLine(folder, kernel, initramfs, { socket }) {
  const append = 'console=ttyS0 quiet panic=-1 mitigations=off no_timer_check printk.devkmsg=on'
  return [
    'qemu-system-x86_64',
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // Translated, not virtualized: this works everywhere. A plain processor is quicker to translate than a rich one, and
    // with a thread for each the kernel, which patches its own code while it runs, now and then crashed.
    ...['-machine', 'q35', '-accel', 'tcg,thread=single,tb-size=512', '-cpu', 'Nehalem-v1', '-smp', '2'],
    ...['-m', memory, '-object', `memory-backend-memfd,id=memory,size=${memory},share=on`],
    ...['-numa', 'node,memdev=memory'],
    ...['-kernel', kernel.image, '-initrd', initramfs, '-append', append],
    ...['-chardev', `socket,id=share,path=${socket}`, '-device', 'vhost-user-fs-pci,chardev=share,tag=host'],
    ...['-chardev', `file,id=console,path=${join(folder, 'console')}`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', 'stdio,id=output', '-device', 'virtserialport,chardev=output,name=output'],
    ...['-chardev', `file,id=status,path=${join(folder, 'status')}`],
    ...['-device', 'virtserialport,chardev=status,name=status'],
    // a disk to throttle: all zeros, and what is written is gone
    ...[
      '-drive',
      'if=none,id=zeros,driver=null-co,size=1G,read-zeroes=on',
      '-device',
      'virtio-blk-pci,drive=zeros',
    ],
  ]
}

/** The command as a script, with the variables that it would have here. */
function job(command) {
  const names = ['CTR_REQUIRE_PRIVILEGED', 'NODE_OPTIONS']
  const env = {
    HOME: '/root',
    PATH: [dirname(process.execPath), process.env.PATH, '/usr/sbin:/sbin'].join(':'),
    NO_COLOR: '1', // of whole compiled files, where a test failed, they take minutes
    ...Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  }
  return [
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    `cd ${quote(project)}`,
    `exec ${command.map(quote).join(' ')}`,
    '',
  ].join('\n')
}

function exitCode(folder, timeoutMs) {
  const status = read(join(folder, 'status'))
  if (/^\d+\n$/.test(status)) return Number(status)
  const tail = read(join(folder, 'console')).replace(/\r/g, '').split('\n').slice(-40).join('\n')
  throw new Error(
    `the machine ended without an answer, or not within ${timeoutMs / 1000} s; its console:\n${tail}`,
  )
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
