import { ownVersion } from '../../../version.js'
import { features as readFeatures } from '../../config/features.js'
import { command } from '../command.js'
import { print } from '../output/write.js'

export const features = command({
  name: 'features',
  summary: 'print what the runtime and this host can do',
  usage: '',
  description: 'As JSON, in the form that the specification gives it.',
  options: {},
  arity: [0, 0],
  run() {
    print(`${JSON.stringify(readFeatures({ version: ownVersion() }), undefined, 2)}\n`)
    return 0
  },
})
