import { once } from 'node:events'
import type { Command } from 'commander'
import { isReadable } from '@ctr/start'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'

/** `ctrjs logs`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER')
    .argument('<container>')
    .option('-f, --follow', 'Follow log output')
    .action(async (name: string, { follow = false }: { readonly follow?: boolean }) => {
      using interrupt = interruptible()
      await using backend = await cli.backend()
      try {
        const { signal } = interrupt
        for await (const { stream, bytes } of backend.container(name).logs({ follow, signal })) {
          const sink = stream === 'stdout' ? process.stdout : process.stderr
          if (!isReadable(sink)) return
          if (!sink.write(bytes)) await once(sink, 'drain', { signal })
        }
      } catch (error) {
        const signal = interrupt.by()
        if (signal !== undefined) cli.exit(exitCodeOfSignal(signal))
        else if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      }
    })
}
