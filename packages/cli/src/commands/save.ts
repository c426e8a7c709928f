import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { writeArchive } from '../output/write-archive.js'

interface SaveFlags {
  readonly format: string
  readonly output?: string
  readonly platform?: string
}

/** By name, also those that podman has for them. */
const formats: Readonly<Record<string, 'docker' | 'oci' | 'oci-dir'>> = {
  docker: 'docker',
  'docker-archive': 'docker',
  oci: 'oci',
  'oci-archive': 'oci',
  'oci-dir': 'oci-dir',
}

/** `ctrjs save`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .argument('<images...>')
    .option(
      '--format <string>',
      'docker (an OCI layout too), oci, oci-dir (a folder that is an OCI layout)',
      'docker',
    )
    .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
    .option('--platform <string>', 'Save one platform of images that are here with all of them')
    .action(async (images: readonly string[], { format: name, output, platform }: SaveFlags) => {
      const format = Object.hasOwn(formats, name) ? formats[name] : undefined
      if (format === undefined)
        throw usageError(`invalid argument "${name}" for --format: docker, oci, oci-dir are there`)
      if (format !== 'oci-dir') {
        await writeArchive(cli, { what: 'save', output }, (backend, signal) =>
          backend.images.save(images, { format, signal, platform }),
        )
        return
      }
      if (output === undefined) throw usageError('--format oci-dir needs -o, the folder to make')
      await untilInterrupted(cli, async (signal) => {
        await using backend = await cli.backend()
        await backend.images.saveLayout(images, output, { platform, signal })
      })
    })
}
