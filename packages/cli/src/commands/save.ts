import { open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'

/** `ctrjs save`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .argument('<images...>')
    .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
    .action(async (images: readonly string[], { output }: { readonly output?: string }) => {
      if (output === undefined && process.stdout.isTTY) {
        throw new CliError(
          'ERR_CLI_TERMINAL',
          'cannot save to a terminal: use the -o flag or redirect the output',
        )
      }
      using interrupt = interruptible()
      await using runtime = await cli.open()
      try {
        const archive = await runtime.images.save(images, { signal: interrupt.signal })
        if (output === undefined) await pipeline(archive, process.stdout, { end: false })
        else await writeWhole(output, archive)
      } catch (error) {
        const signal = interrupt.by()
        if (signal === undefined) throw error
        cli.exit(exitCodeOfSignal(signal))
      }
    })
}

/** Half an archive never has the name; a device or a pipe is written to as it is. */
async function writeWhole(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const target = await open(path, 'a')
  const isFile = (await target.stat()).isFile()
  if (!isFile) {
    await pipeline(archive, target.createWriteStream())
    return
  }
  await target.close()
  const temporary = `${path}.${process.pid}.part`
  try {
    const file = await open(temporary, 'wx', 0o600)
    await pipeline(archive, file.createWriteStream())
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
