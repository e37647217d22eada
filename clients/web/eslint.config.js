import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  hooks.configs.flat["recommended-latest"],
  {
    files: ["**/*.{ts,tsx}"],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "max-lines": ["error", 250],
      "no-console": "error",
      // Where a value goes into words, numbers are as good as text.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Tokens live in memory or in a cookie; nothing of a user's is left in the browser.
      "no-restricted-globals": ["error", "localStorage", "sessionStorage"],
    },
  },
  { files: ["*.js"], ...tseslint.configs.disableTypeChecked },
);
