import { command } from '../command.js'
import { print } from '../output/write.js'
import { createOptions, readCreateOptions } from './create-options.js'

export const create = command({
  name: 'create',
  summary: 'make a container, up to its first program',
  usage: 'CONTAINER',
  description: `Everything that the bundle's config.json asks for is set up; the program itself waits for 'start'. The name of
the container is yours to choose and must not be taken.`,
  options: createOptions,
  arity: [1, 1],
  failedTo: (program) => `${program} create failed: `,
  async run({ values, args: [id], program }) {
    const options = readCreateOptions(values)
    const runtime = await program.open()
    if (values.explain === true) {
      print(await runtime.explain(options))
      return 0
    }
    await runtime.create(id!, options)
    return 0
  },
})
