export { privileged as default } from '../../jest.preset.js'
