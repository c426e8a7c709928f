import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A Docker daemon without networks, of which everything is below a folder. */
export interface DockerDaemon extends AsyncDisposable {
  /** Runs the client, and gives what it printed. */
  readonly docker: (...parameters: string[]) => Promise<string>
}

/** Starts Debian's dockerd for images alone. */
export async function startDockerDaemon(folder: string): Promise<DockerDaemon> {
  mkdirSync(folder, { recursive: true })
  const host = `unix://${join(folder, 'socket')}`
  const config = join(folder, 'daemon.json')
  writeFileSync(config, '{}') // not the machine's
  const flags = [
    ...['--host', host, '--storage-driver', 'vfs', '--bridge', 'none', '--iptables=false'],
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--config-file', config],
  ]
  const child = spawn('dockerd', flags, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const run = promisify(execFile)
  const daemon: DockerDaemon = {
    docker: async (...parameters) => {
      const { stdout } = await run('docker', ['--host', host, '--config', folder, ...parameters])
      return stdout.trim()
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
  for (let n = 0; ; n++) {
    try {
      await daemon.docker('version')
      return daemon
    } catch (error) {
      if (child.exitCode !== null || n > 300) {
        await daemon[Symbol.asyncDispose]()
        throw new Error(`dockerd does not answer (exit code ${child.exitCode})`, { cause: error })
      }
      await sleep(200)
    }
  }
}
