import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Where `npm run dev` finds a mesh; the built files are served by the mesh's own edge.
const EDGE = process.env["VITRINE_EDGE"] ?? "http://127.0.0.1:8080";
const TO_EDGE = { target: EDGE, changeOrigin: true, ws: true };

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    // Nothing is put into the document or the style sheet as `data:`: the content security policy allows our own files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": TO_EDGE, "/vitrine.": TO_EDGE, "/health": TO_EDGE } },
});
