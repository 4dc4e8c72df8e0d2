/** The bundler puts a picture in as a data URL. */
declare module '*.png' {
  const dataUrl: string
  export default dataUrl
}
