export { privilegedExecutable as default } from '../../jest.preset.js'
