import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const out = process.env["GIMS_CONSOLE_OUT"] ?? "../../build/console/app";

// Of the font packages: woff2 alone, and no scripts that no language of the console is written in.
function fonts(): Plugin {
  return {
    name: "gims-fonts",
    enforce: "pre",
    transform(code, id) {
      if (!/@fontsource\/.*\.css$/.test(id)) return null;
      const faces = code.match(/\/\*[^*]*\*\/\s*@font-face \{[^}]*\}/g) ?? [];
      return faces
        .filter((face) => !/(cyrillic|greek|vietnamese|math|symbols)/.test(face.slice(0, face.indexOf("*/"))))
        .map((face) => face.replace(/,\s*url\([^)]*\.woff\) format\('woff'\)/, ""))
        .join("\n");
    },
  };
}

// gimsd serves what is compressed here, and compresses nothing itself.
function precompress(): Plugin {
  return {
    name: "gims-precompress",
    apply: "build",
    closeBundle() {
      if (process.env["GIMS_CONSOLE_QUICK"]) return; // for who only looks at it
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|json)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const bytes = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(bytes));
      }
    },
  };
}

export default defineConfig({
  plugins: [fonts(), react(), precompress()],
  build: {
    outDir: out,
    emptyOutDir: true,
    assetsInlineLimit: 0, // no data: addresses, which the policy forbids
    modulePreload: { polyfill: false },
    target: "es2022",
    manifest: true,
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1", port: 5173, strictPort: true, proxy: { "/_gims": "http://127.0.0.1:5180" } },
  test: {
    environment: "jsdom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 60_000,
  },
} as Parameters<typeof defineConfig>[0]);
