import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDependencies } from './kernel.mjs'

/** What the first program needs to find the file system of the host. The rest is loaded by name, or by the kernel. */
const modules = ['virtio_pci', 'virtio_console', 'virtiofs', 'overlay']

/**
 * Writes the initial file system: busybox, the first modules, the first program and the job.
 *
 * @param {string} folder - For the archive and what goes into it.
 * @param {{ modules: string }} kernel
 * @param {string} job - A shell script.
 * @param {Record<string, string>} settings - Variables for the first program.
 * @returns {string} Path of the archive.
 */
export function writeInitramfs(folder, kernel, job, settings) {
  const root = join(folder, 'initramfs')
  for (const path of ['bin', 'dev', 'proc', 'sys', 'modules', 'host', 'layer', 'root']) {
    mkdirSync(join(root, path), { recursive: true })
  }
  copyFileSync(findBusybox(), join(root, 'bin/busybox'))
  const order = withDependencies(kernel.modules, modules)
  for (const path of order) copyFileSync(join(kernel.modules, path), join(root, 'modules', basename(path)))
  writeFileSync(join(root, 'modules/order'), order.map((path) => `${basename(path)}\n`).join(''))
  for (const name of ['init', 'start', 'systemd']) {
    copyFileSync(fileURLToPath(new URL(`guest/${name}.sh`, import.meta.url)), join(root, name))
    chmodSync(join(root, name), 0o755)
  }
  writeFileSync(join(root, 'job'), job)
  writeFileSync(
    join(root, 'settings'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${quote(value)}\n`)
      .join(''),
  )
  const names = execFileSync('find', ['.'], { cwd: root })
  const archive = join(folder, 'initramfs.cpio')
  writeFileSync(
    archive,
    execFileSync('busybox', ['cpio', '-o', '-H', 'newc'], {
      cwd: root,
      input: names,
      maxBuffer: 2 ** 28,
      stdio: ['pipe', 'pipe', 'ignore'],
    }),
  )
  return archive
}

/** Quotes a word for the shell. */
export function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function findBusybox() {
  return execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
}
